package dev.mamba4j.formats.gguf;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;

/**
 * A tensor of a GGUF file.
 *
 * @param info name, type and dimensions
 * @param data the values, {@link GgufTensorInfo#byteSize()} bytes; in the tensors of a {@link
 *     GgufFile} a read-only part of the map, valid until the file is closed
 */
public record GgufTensor(GgufTensorInfo info, MemorySegment data) {

  /** Checks that the data has the size that the type and dimensions ask for. */
  public GgufTensor {
    if (data.byteSize() != info.byteSize()) {
      throw new IllegalArgumentException(
          "%s: expected %d bytes, found %d".formatted(info, info.byteSize(), data.byteSize()));
    }
  }

  /** A tensor of these values. */
  public GgufTensor(String name, TensorType type, long[] dimensions, MemorySegment data) {
    this(new GgufTensorInfo(name, type, dimensions), data);
  }

  /** The name. */
  public String name() {
    return info.name();
  }

  /** The type of the values. */
  public TensorType type() {
    return info.type();
  }

  /** The dimensions in ggml's order: the first is the contiguous one. */
  public long[] dimensions() {
    return info.dimensions();
  }

  /** Rows: the product of all dimensions but the first. */
  public long rows() {
    return info.rows();
  }

  /** Values in a row: the first dimension. */
  public long columns() {
    return info.columns();
  }

  /** Values in all. */
  public long elements() {
    return info.elements();
  }
}
