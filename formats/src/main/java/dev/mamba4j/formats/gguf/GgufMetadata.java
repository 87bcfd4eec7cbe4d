package dev.mamba4j.formats.gguf;

import dev.mamba4j.formats.FormatException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The key/values of a GGUF file in their order. They do not depend on the file being open.
 *
 * <p>A getter that finds no value, or one of another kind, throws a {@link FormatException} that
 * names file and key.
 */
public final class GgufMetadata {
  private final String where;
  private final Map<String, GgufValue> values;

  GgufMetadata(String where, Map<String, GgufValue> values) {
    this.where = where;
    this.values = Collections.unmodifiableMap(values);
  }

  /** An empty builder. */
  public static Builder builder() {
    return new Builder(new LinkedHashMap<>());
  }

  /** A builder that starts with these key/values. */
  public Builder toBuilder() {
    return new Builder(new LinkedHashMap<>(values));
  }

  /** All key/values, unmodifiable, in the order of the file. */
  public Map<String, GgufValue> values() {
    return values;
  }

  /** Whether there is such a key. */
  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** The value of a key, whatever its type. */
  public Optional<GgufValue> value(String key) {
    return Optional.ofNullable(values.get(key));
  }

  /** The text of a key that must be there. */
  public String string(String key) throws FormatException {
    return required(key, GgufValue.Text.class, "a string").value();
  }

  /** The text of a key, or empty if it is absent. */
  public Optional<String> optionalString(String key) throws FormatException {
    return has(key) ? Optional.of(string(key)) : Optional.empty();
  }

  /** The whole number of a key that must be there, of any integer type. */
  public long integer(String key) throws FormatException {
    GgufValue.Whole whole = required(key, GgufValue.Whole.class, "a whole number");
    if (whole.type() == GgufValueType.UINT64 && whole.value() < 0) {
      throw odd(key, "a whole number below 2^63");
    }
    return whole.value();
  }

  /** The whole number of a key, or a default if it is absent. */
  public long integer(String key, long otherwise) throws FormatException {
    return has(key) ? integer(key) : otherwise;
  }

  /** The whole number of a key that must be there, of any integer type, if it fits an int. */
  public int int32(String key) throws FormatException {
    long value = integer(key);
    if (value != (int) value) {
      throw odd(key, "a whole number below 2^31");
    }
    return (int) value;
  }

  /** The number of a key that must be there, of either floating-point type. */
  public float float32(String key) throws FormatException {
    return switch (values.get(key)) {
      case GgufValue.Float32(float value) -> value;
      case GgufValue.Float64(double value) -> (float) value;
      case null, default -> throw odd(key, "a floating-point number");
    };
  }

  /** The number of a key, or a default if it is absent. */
  public float float32(String key, float otherwise) throws FormatException {
    return has(key) ? float32(key) : otherwise;
  }

  /** The truth value of a key, or a default if it is absent. */
  public boolean bool(String key, boolean otherwise) throws FormatException {
    return has(key) ? required(key, GgufValue.Bool.class, "true or false").value() : otherwise;
  }

  /** The strings of a key that must be there; each is decoded when asked for. */
  public List<String> strings(String key) throws FormatException {
    return required(key, GgufStrings.class, "an array of strings");
  }

  /** The numbers of a key that must be there. */
  public GgufNumbers numbers(String key) throws FormatException {
    return required(key, GgufNumbers.class, "an array of numbers");
  }

  private <T extends GgufValue> T required(String key, Class<T> kind, String expected)
      throws FormatException {
    GgufValue value = values.get(key);
    if (!kind.isInstance(value)) {
      throw odd(key, expected);
    }
    return kind.cast(value);
  }

  private FormatException odd(String key, String expected) {
    return new FormatException(
        "%s: key \"%s\": expected %s, found %s"
            .formatted(where, key, expected, describe(values.get(key))));
  }

  /**
   * The alignment of tensor data.
   *
   * @throws IllegalArgumentException if the key is there and holds no alignment
   */
  int alignment() {
    return switch (values.get(GgufFormat.ALIGNMENT_KEY)) {
      case null -> GgufFormat.DEFAULT_ALIGNMENT;
      case GgufValue.Whole(GgufValueType type, long value)
          when type == GgufValueType.UINT32
              && value >= 8
              && value <= 1 << 30
              && Long.bitCount(value) == 1 ->
          (int) value;
      case GgufValue other ->
          throw new IllegalArgumentException(
              "key \"%s\": expected a uint32 that is a power of two from 8 to 2^30, found %s"
                  .formatted(GgufFormat.ALIGNMENT_KEY, describe(other)));
    };
  }

  private static String describe(GgufValue value) {
    return switch (value) {
      case null -> "nothing";
      case GgufValue.Text text -> "the string " + text;
      case GgufValue.Bool bool -> bool.toString();
      case GgufValue.Whole whole -> "the " + whole.type() + " " + whole;
      case GgufValue.Float32 number -> "the float32 " + number;
      case GgufValue.Float64 number -> "the float64 " + number;
      case GgufValue.Nested _, GgufNumbers _, GgufStrings _ -> "an array of " + value;
    };
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GgufMetadata metadata
        && List.copyOf(values.entrySet()).equals(List.copyOf(metadata.values.entrySet()));
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }

  @Override
  public String toString() {
    return values.toString();
  }

  /** Collects key/values. A key that is put again keeps its place and gets the new value. */
  public static final class Builder {
    private final Map<String, GgufValue> values;

    private Builder(Map<String, GgufValue> values) {
      this.values = values;
    }

    /**
     * Puts a value of any type.
     *
     * @throws IllegalArgumentException if the key is not printable ASCII of at most 65535 bytes
     */
    public Builder put(String key, GgufValue value) {
      values.put(GgufFormat.checkName("key", key, GgufFormat.MAX_KEY_BYTES), value);
      return this;
    }

    /** Puts a string. */
    public Builder putString(String key, String value) {
      return put(key, new GgufValue.Text(value));
    }

    /** Puts a {@code uint32}. */
    public Builder putUint32(String key, long value) {
      return put(key, new GgufValue.Whole(GgufValueType.UINT32, value));
    }

    /** Puts a {@code float32}. */
    public Builder putFloat32(String key, float value) {
      return put(key, new GgufValue.Float32(value));
    }

    /** Puts a truth value. */
    public Builder putBool(String key, boolean value) {
      return put(key, new GgufValue.Bool(value));
    }

    /** Puts an array of strings. */
    public Builder putStrings(String key, List<String> values) {
      return put(key, GgufStrings.of(values));
    }

    /** Puts an array of {@code int32}. */
    public Builder putInt32s(String key, int... values) {
      return put(key, GgufNumbers.of(values));
    }

    /** Puts an array of {@code float32}. */
    public Builder putFloat32s(String key, float... values) {
      return put(key, GgufNumbers.of(values));
    }

    /** Takes a key out, if it is there. */
    public Builder remove(String key) {
      values.remove(key);
      return this;
    }

    /** The metadata; later puts do not change it. */
    public GgufMetadata build() {
      return new GgufMetadata("metadata", new LinkedHashMap<>(values));
    }
  }
}
