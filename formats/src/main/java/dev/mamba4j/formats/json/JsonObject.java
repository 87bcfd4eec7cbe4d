package dev.mamba4j.formats.json;

import dev.mamba4j.formats.FormatException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A JSON object that knows where it stands, so that a missing or odd field gives an error with file
 * and path.
 *
 * @param where file and path of this object, for messages
 * @param fields the fields in the order of the document
 */
public record JsonObject(String where, Map<String, Object> fields) {

  /** Whether there is such a field and it is not null. */
  public boolean has(String name) {
    return fields.get(name) != null;
  }

  /** The text of a field that must be there. */
  public String string(String name) throws FormatException {
    return required(name, String.class, "a string");
  }

  /** The text of a field, or empty if it is absent or null. */
  public Optional<String> optionalString(String name) throws FormatException {
    return has(name) ? Optional.of(string(name)) : Optional.empty();
  }

  /** The whole number of a field that must be there. */
  public long integer(String name) throws FormatException {
    return required(name, Long.class, "a whole number");
  }

  /** The whole number of a field, or a default if it is absent or null. */
  public long integer(String name, long otherwise) throws FormatException {
    return has(name) ? integer(name) : otherwise;
  }

  /** The number of a field, or a default if it is absent or null. */
  public double number(String name, double otherwise) throws FormatException {
    return has(name) ? required(name, Number.class, "a number").doubleValue() : otherwise;
  }

  /** The truth value of a field, or a default if it is absent or null. */
  public boolean bool(String name, boolean otherwise) throws FormatException {
    return has(name) ? required(name, Boolean.class, "true or false") : otherwise;
  }

  /** The elements of an array field that must be there. */
  public List<?> list(String name) throws FormatException {
    return required(name, List.class, "an array");
  }

  /** An object field that must be there. */
  public JsonObject object(String name) throws FormatException {
    return of(where + ": " + name, required(name, Map.class, "an object"));
  }

  /** An object field, or empty if it is absent or null. */
  public Optional<JsonObject> optionalObject(String name) throws FormatException {
    return has(name) ? Optional.of(object(name)) : Optional.empty();
  }

  /** A parsed value as an object. */
  public static JsonObject of(String where, Object value) throws FormatException {
    if (value instanceof Map<?, ?> map) {
      @SuppressWarnings("unchecked") // Json.parse makes string keys only
      Map<String, Object> fields = (Map<String, Object>) map;
      return new JsonObject(where, fields);
    }
    throw new FormatException(where + ": expected an object, found " + kind(value));
  }

  private <T> T required(String name, Class<T> type, String expected) throws FormatException {
    Object value = fields.get(name);
    if (!type.isInstance(value)) {
      throw new FormatException(
          where + ": field \"" + name + "\": expected " + expected + ", found " + kind(value));
    }
    return type.cast(value);
  }

  private static String kind(Object value) {
    return switch (value) {
      case null -> "nothing";
      case String text -> "the string " + Json.write(abbreviate(text)); // on one line
      case Number number -> "the number " + number;
      case Boolean truth -> truth.toString();
      case List<?> _ -> "an array";
      default -> "an object";
    };
  }

  private static String abbreviate(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "…";
  }
}
