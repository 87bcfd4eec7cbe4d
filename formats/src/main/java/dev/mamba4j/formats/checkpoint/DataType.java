package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The types of values in a checkpoint. The names are those of the safetensors header; PyTorch's are
 * the classes of storage, such as {@code torch.HalfStorage}.
 */
public enum DataType {
  F64(8, "DoubleStorage", (data, at) -> (float) Double.longBitsToDouble(int64(data, at))),
  F32(4, "FloatStorage", TensorType.F32),
  F16(2, "HalfStorage", TensorType.F16),
  BF16(2, "BFloat16Storage", TensorType.BF16),
  I64(8, "LongStorage", (data, at) -> (float) int64(data, at)),
  I32(4, "IntStorage", (data, at) -> (float) LittleEndian.int32(data, at)),
  I16(2, "ShortStorage", LittleEndian::int16),
  I8(1, "CharStorage", LittleEndian::int8),
  U64(8, null, (data, at) -> unsigned(int64(data, at))),
  U32(4, null, (data, at) -> (float) LittleEndian.unsigned32(data, at)),
  U16(2, null, LittleEndian::unsigned16),
  U8(1, "ByteStorage", (data, at) -> Byte.toUnsignedInt(LittleEndian.int8(data, at))),
  BOOL(1, "BoolStorage", (data, at) -> LittleEndian.int8(data, at) == 0 ? 0 : 1);

  private final int bytes;
  private final String torchStorage;

  @SuppressWarnings("ImmutableEnumChecker") // decoders have no state
  private final Decoder decoder;

  DataType(int bytes, String torchStorage, TensorType sameValues) {
    this.bytes = bytes;
    this.torchStorage = torchStorage;
    this.decoder = sameValues::decode;
  }

  DataType(int bytes, String torchStorage, Element element) {
    this.bytes = bytes;
    this.torchStorage = torchStorage;
    this.decoder =
        (source, offset, target, at, count) -> {
          for (int i = 0; i < count; i++) {
            target[at + i] = element.read(source, offset + (long) i * bytes);
          }
        };
  }

  /** Bytes of one value. */
  public int bytes() {
    return bytes;
  }

  /**
   * Decodes values that lie one after the other, each to the nearest float.
   *
   * @param offset of the first value, in bytes
   */
  public void decode(MemorySegment source, long offset, float[] target, int at, int count) {
    decoder.decode(source, offset, target, at, count);
  }

  /** The type with this name in a safetensors header. */
  static Optional<DataType> ofSafetensors(String name) {
    for (DataType type : values()) {
      if (type.name().equals(name)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** The type of the values in this class of module {@code torch}. */
  static Optional<DataType> ofTorchStorage(String name) {
    for (DataType type : values()) {
      if (name.equals(type.torchStorage)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  private static long int64(MemorySegment data, long at) {
    return LittleEndian.int64(data, at);
  }

  /** The nearest float of an unsigned long; halving keeps the lowest bit, which decides ties. */
  private static float unsigned(long value) {
    return value >= 0 ? value : ((value >>> 1) | (value & 1)) * 2f;
  }

  private interface Element {
    float read(MemorySegment data, long at);
  }

  private interface Decoder {
    void decode(MemorySegment source, long offset, float[] target, int at, int count);
  }
}
