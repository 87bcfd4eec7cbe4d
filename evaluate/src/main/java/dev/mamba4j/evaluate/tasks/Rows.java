package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.util.ArrayList;
import java.util.List;

/** What several tasks read from a row of their data. */
final class Rows {
  private Rows() {}

  /** The texts of an array field. */
  static List<String> strings(JsonObject row, String field, int fewest) throws FormatException {
    List<String> texts = new ArrayList<>();
    for (Object each : row.list(field)) {
      if (!(each instanceof String text)) {
        throw wrong(row, field, "an array of strings");
      }
      texts.add(text);
    }
    if (texts.size() < fewest) {
      throw wrong(row, field, "an array of " + fewest + " strings or more");
    }
    return texts;
  }

  /** The number of a choice, written as a number or as text. */
  static int index(JsonObject row, String field, int choices) throws FormatException {
    String text = String.valueOf(row.fields().get(field));
    for (int i = 0; i < choices; i++) {
      if (text.equals(Integer.toString(i))) {
        return i;
      }
    }
    throw wrong(row, field, "the number of a choice, 0 to " + (choices - 1));
  }

  /** The number of a choice that a field names by its label. */
  static int labelled(JsonObject row, String field, List<String> labels) throws FormatException {
    int index = labels.indexOf(String.valueOf(row.fields().get(field)));
    if (index < 0) {
      throw wrong(row, field, "one of " + String.join(", ", labels));
    }
    return index;
  }

  static FormatException wrong(JsonObject row, String field, String expected) {
    Object value = row.fields().get(field);
    String text = value == null ? "nothing" : Json.write(value);
    String found = text.length() <= 60 ? text : text.substring(0, 60) + "…";
    return new FormatException(
        "%s: field \"%s\": expected %s, found %s".formatted(row.where(), field, expected, found));
  }
}
