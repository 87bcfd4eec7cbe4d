package dev.mamba4j.serve;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The fields of a request's JSON, with their ranges; null counts as absent. */
record RequestFields(JsonObject json) {
  /** A step that may find a field of the wrong kind. */
  @FunctionalInterface
  private interface Reading<T> {
    T read() throws FormatException;
  }

  private static <T> T read(Reading<T> reading) {
    try {
      return reading.read();
    } catch (FormatException e) {
      throw ApiError.badRequest(e.getMessage());
    }
  }

  boolean has(String name) {
    return json.has(name);
  }

  Object value(String name) {
    return json.fields().get(name);
  }

  String string(String name) {
    return read(() -> json.string(name));
  }

  Optional<String> optionalString(String name) {
    return read(() -> json.optionalString(name));
  }

  boolean bool(String name, boolean otherwise) {
    return read(() -> json.bool(name, otherwise));
  }

  List<?> list(String name) {
    return read(() -> json.list(name));
  }

  Optional<RequestFields> object(String name) {
    return read(() -> json.optionalObject(name)).map(RequestFields::new);
  }

  /** A whole number from {@code least} to {@code most}. */
  int integer(String name, int otherwise, int least, int most) {
    long value = read(() -> json.integer(name, otherwise));
    if (value < least || value > most) {
      throw ApiError.badParameter(name, "a whole number from " + least + " to " + most, value);
    }
    return (int) value;
  }

  /** Any whole number. */
  long integer(String name, long otherwise) {
    return read(() -> json.integer(name, otherwise));
  }

  /** A number from {@code least} to {@code most}. */
  double number(String name, double otherwise, double least, double most) {
    double value = read(() -> json.number(name, otherwise));
    if (!(value >= least && value <= most)) {
      throw ApiError.badParameter(name, "a number from " + least + " to " + most, value);
    }
    return value;
  }

  /** A string or several. */
  List<String> strings(String name, int most) {
    Object value = value(name);
    List<?> all =
        switch (value) {
          case null -> List.of();
          case String one -> List.of(one);
          case List<?> several -> several;
          default -> throw ApiError.badParameter(name, "a string or an array of them", value);
        };
    if (all.size() > most) {
      throw ApiError.badParameter(name, "at most " + most + " strings", all.size());
    }
    for (Object element : all) {
      if (!(element instanceof String text) || text.isEmpty()) {
        throw ApiError.badParameter(name, "made of strings that are not empty", element);
      }
    }
    return all.stream().map(String.class::cast).toList();
  }

  /** Refuses what would change the answer and is not there. */
  void refuse(String name, String advice) {
    Object value = value(name);
    boolean harmless =
        switch (value) {
          case null -> true;
          case Boolean wanted -> !wanted;
          case List<?> list -> list.isEmpty();
          case Map<?, ?> map -> map.isEmpty();
          default -> false;
        };
    if (!harmless) {
      throw ApiError.unsupported(name, advice);
    }
  }
}
