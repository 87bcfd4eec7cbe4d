package dev.mamba4j.formats.gguf;

import dev.mamba4j.formats.tensor.TensorType;
import java.util.Arrays;

/** What a GGUF file says of a tensor: an immutable value. */
public final class GgufTensorInfo {
  private final String name;
  private final TensorType type;
  private final long[] dimensions;

  /**
   * Checks name and dimensions.
   *
   * @param name up to 63 printable ASCII characters
   * @param dimensions 1 to 4, in ggml's order: the first is the contiguous one, a row
   * @throws IllegalArgumentException if ggml has no such tensor
   */
  public GgufTensorInfo(String name, TensorType type, long... dimensions) {
    GgufFormat.checkName("tensor name", name, GgufFormat.MAX_TENSOR_NAME_BYTES);
    this.name = name;
    this.type = type;
    this.dimensions = dimensions.clone();
    String shape = "tensor " + GgufFormat.quote(name) + " of " + Arrays.toString(dimensions);
    if (dimensions.length < 1 || dimensions.length > GgufFormat.MAX_DIMENSIONS) {
      throw new IllegalArgumentException(
          shape + ": expected 1 to " + GgufFormat.MAX_DIMENSIONS + " dimensions");
    }
    long elements = 1;
    try {
      for (long dimension : dimensions) {
        if (dimension < 1) {
          throw new IllegalArgumentException(shape + ": expected dimensions of 1 or more");
        }
        elements = Math.multiplyExact(elements, dimension);
      }
      if (dimensions[0] % type.blockSize() != 0) {
        throw new IllegalArgumentException(
            "%s: expected rows of whole %s blocks of %d values"
                .formatted(shape, type, type.blockSize()));
      }
      long _ = type.byteSize(elements);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(shape + ": expected a size below 2^63 bytes", e);
    }
  }

  /** The name. */
  public String name() {
    return name;
  }

  /** The type of the values. */
  public TensorType type() {
    return type;
  }

  /** The dimensions in ggml's order: the first is the contiguous one. A copy. */
  public long[] dimensions() {
    return dimensions.clone();
  }

  /** Values in a row: the first dimension. */
  public long columns() {
    return dimensions[0];
  }

  /** Rows: the product of all dimensions but the first. */
  public long rows() {
    return elements() / columns();
  }

  /** Values in all. */
  public long elements() {
    long elements = 1;
    for (long dimension : dimensions) {
      elements *= dimension;
    }
    return elements;
  }

  /** Bytes of the data, without padding. */
  public long byteSize() {
    return type.byteSize(elements());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GgufTensorInfo info
        && name.equals(info.name)
        && type == info.type
        && Arrays.equals(dimensions, info.dimensions);
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  @Override
  public String toString() {
    return name + " " + type + " " + Arrays.toString(dimensions);
  }
}
