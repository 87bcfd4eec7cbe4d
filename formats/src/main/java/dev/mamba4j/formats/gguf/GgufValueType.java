package dev.mamba4j.formats.gguf;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The types of metadata values, with their numbers in the file. */
public enum GgufValueType {
  UINT8(0, 1),
  INT8(1, 1),
  UINT16(2, 2),
  INT16(3, 2),
  UINT32(4, 4),
  INT32(5, 4),
  FLOAT32(6, 4),
  BOOL(7, 1),
  STRING(8, 0),
  ARRAY(9, 0),
  UINT64(10, 8),
  INT64(11, 8),
  FLOAT64(12, 8);

  private final int id;
  private final int bytes;

  GgufValueType(int id, int bytes) {
    this.id = id;
    this.bytes = bytes;
  }

  /** The type with this number, or empty if there is none. */
  static Optional<GgufValueType> ofId(int id) {
    return Arrays.stream(values()).filter(type -> type.id == id).findFirst();
  }

  /** The number of this type in a file. */
  int id() {
    return id;
  }

  /** Bytes of a value, or 0 if that depends on the value. */
  int bytes() {
    return bytes;
  }

  /** Whether values are whole numbers; booleans are not. */
  public boolean isInteger() {
    return switch (this) {
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
      case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
    };
  }

  /** The name in lower case, as GGUF tools print it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
