package dev.mamba4j.formats.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** An array of numbers or truth values, kept as its bytes in the file. */
public final class GgufNumbers implements GgufValue {
  private final GgufValueType elementType;
  private final byte[] encoded;
  private final ByteBuffer elements;
  private final int size;

  GgufNumbers(GgufValueType elementType, byte[] encoded) {
    this.elementType = elementType;
    this.encoded = encoded;
    this.elements = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
    this.size = encoded.length / elementType.bytes();
  }

  /** An array of {@code int32}. */
  public static GgufNumbers of(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return new GgufNumbers(GgufValueType.INT32, bytes.array());
  }

  /** An array of {@code float32}. */
  public static GgufNumbers of(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return new GgufNumbers(GgufValueType.FLOAT32, bytes.array());
  }

  @Override
  public GgufValueType type() {
    return GgufValueType.ARRAY;
  }

  /** The type of each element. */
  public GgufValueType elementType() {
    return elementType;
  }

  /** The number of elements. */
  public int size() {
    return size;
  }

  /**
   * An element as a whole number: a fraction is cut off, true is 1, a {@code uint64} from 2^63 on
   * is negative.
   */
  public long integer(int index) {
    int at = index * elementType.bytes();
    return switch (elementType) {
      case UINT8 -> Byte.toUnsignedLong(elements.get(at));
      case INT8, BOOL -> elements.get(at);
      case UINT16 -> Short.toUnsignedLong(elements.getShort(at));
      case INT16 -> elements.getShort(at);
      case UINT32 -> Integer.toUnsignedLong(elements.getInt(at));
      case INT32 -> elements.getInt(at);
      case UINT64, INT64 -> elements.getLong(at);
      case FLOAT32 -> (long) elements.getFloat(at);
      case FLOAT64 -> (long) elements.getDouble(at);
      case STRING, ARRAY -> throw new AssertionError(elementType);
    };
  }

  /** An element as a single-precision number. */
  public float float32(int index) {
    int at = index * elementType.bytes();
    return switch (elementType) {
      case FLOAT32 -> elements.getFloat(at);
      case FLOAT64 -> (float) elements.getDouble(at);
      default -> integer(index);
    };
  }

  /** An element as a double-precision number. */
  public double float64(int index) {
    return elementType == GgufValueType.FLOAT64
        ? elements.getDouble(index * elementType.bytes())
        : float32(index);
  }

  /** The bytes in the file, not to be changed. */
  byte[] encoded() {
    return encoded;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GgufNumbers numbers
        && elementType == numbers.elementType
        && elements.equals(numbers.elements);
  }

  @Override
  public int hashCode() {
    return elements.hashCode();
  }

  @Override
  public String toString() {
    return size + " values of " + elementType;
  }
}
