package dev.mamba4j.formats.gguf;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** A metadata value with the exact type it has in the file, so that it can be written back. */
public sealed interface GgufValue
    permits GgufValue.Whole,
        GgufValue.Float32,
        GgufValue.Float64,
        GgufValue.Bool,
        GgufValue.Text,
        GgufValue.Nested,
        GgufNumbers,
        GgufStrings {

  /** The type of the value itself: {@link GgufValueType#ARRAY} for the three kinds of array. */
  GgufValueType type();

  /**
   * A whole number.
   *
   * @param value as a signed number; a {@code uint64} from 2^63 on is negative here
   */
  record Whole(GgufValueType type, long value) implements GgufValue {
    /** Checks that the value fits the type. */
    public Whole {
      long bits = 8L * type.bytes();
      boolean fits =
          switch (type) {
            case INT8, INT16, INT32 ->
                value >= -(1L << (bits - 1)) && value <= (1L << (bits - 1)) - 1;
            case UINT8, UINT16, UINT32 -> value >= 0 && value <= (1L << bits) - 1;
            case UINT64, INT64 -> true;
            case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
          };
      if (!fits) {
        throw new IllegalArgumentException(value + " is not a value of type " + type);
      }
    }

    @Override
    public String toString() {
      return type == GgufValueType.UINT64 ? Long.toUnsignedString(value) : Long.toString(value);
    }
  }

  /** A single-precision number. */
  record Float32(float value) implements GgufValue {
    @Override
    public GgufValueType type() {
      return GgufValueType.FLOAT32;
    }

    @Override
    public String toString() {
      return Float.toString(value);
    }
  }

  /** A double-precision number. */
  record Float64(double value) implements GgufValue {
    @Override
    public GgufValueType type() {
      return GgufValueType.FLOAT64;
    }

    @Override
    public String toString() {
      return Double.toString(value);
    }
  }

  /** A truth value. */
  record Bool(boolean value) implements GgufValue {
    @Override
    public GgufValueType type() {
      return GgufValueType.BOOL;
    }

    @Override
    public String toString() {
      return Boolean.toString(value);
    }
  }

  /**
   * A string. It keeps the bytes of the file, because some writers cut strings in the middle of a
   * character and such a value must be written back as it was.
   */
  final class Text implements GgufValue {
    private final byte[] utf8;

    /** The value that stands for a text. */
    public Text(String value) {
      this(value.getBytes(StandardCharsets.UTF_8));
    }

    Text(byte[] utf8) {
      this.utf8 = utf8;
    }

    @Override
    public GgufValueType type() {
      return GgufValueType.STRING;
    }

    /** The text; bytes that are not UTF-8 become U+FFFD. */
    public String value() {
      return GgufFormat.decode(utf8, 0, utf8.length);
    }

    /** The bytes in the file, not to be changed. */
    byte[] utf8() {
      return utf8;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Text text && Arrays.equals(utf8, text.utf8);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(utf8);
    }

    @Override
    public String toString() {
      // 60 characters, which is all that is shown, take 240 bytes at most.
      return GgufFormat.quote(GgufFormat.decode(utf8, 0, Math.min(utf8.length, 256)));
    }
  }

  /** An array of arrays. */
  record Nested(List<GgufValue> values) implements GgufValue {
    /** Checks that each element is an array. */
    public Nested {
      values = List.copyOf(values);
      for (GgufValue value : values) {
        if (value.type() != GgufValueType.ARRAY) {
          throw new IllegalArgumentException("expected arrays, found a value of " + value.type());
        }
      }
    }

    @Override
    public GgufValueType type() {
      return GgufValueType.ARRAY;
    }

    @Override
    public String toString() {
      return values.size() + " arrays";
    }
  }
}
