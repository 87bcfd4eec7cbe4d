package dev.mamba4j.evaluate.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A value of the report's JSON that knows where it stands. What is not there is an entry too, with
 * nothing in it, so that a report shows what it has.
 *
 * @param path JSON pointer (RFC 6901)
 * @param value as {@link dev.mamba4j.formats.json.Json} reads it; null if there is none
 */
record Entry(String path, Object value) {
  /** The whole document. */
  static Entry root(Map<String, Object> document) {
    return new Entry("", document);
  }

  /** Whether there is a value. */
  boolean exists() {
    return value != null;
  }

  /** A field of an object. */
  Entry get(String name) {
    Object field = value instanceof Map<?, ?> map ? map.get(name) : null;
    return new Entry(path + "/" + name.replace("~", "~0").replace("/", "~1"), field);
  }

  /** The elements of an array; none if it is something else. */
  List<Entry> items() {
    List<Entry> items = new ArrayList<>();
    if (value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        items.add(new Entry(path + "/" + i, list.get(i)));
      }
    }
    return items;
  }

  /** The names of an object's fields. */
  List<String> names() {
    return value instanceof Map<?, ?> map
        ? map.keySet().stream().map(Object::toString).toList()
        : List.of();
  }

  /** What a text says; of anything else, nothing. */
  String text() {
    return value instanceof String text ? text : "";
  }

  /** Whether it is a number. */
  boolean isNumber() {
    return value instanceof Number;
  }

  /**
   * The number.
   *
   * @throws IllegalStateException if it is none
   */
  double number() {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    throw new IllegalStateException(path + " is not a number");
  }

  /** Says in an element where its number stands in the JSON. */
  Markup mark(Markup element) {
    return mark(element, "");
  }

  /**
   * Says in an element where one of its numbers stands in the JSON.
   *
   * @param which what that number is to the element, such as {@code "x-"}
   */
  Markup mark(Markup element, String which) {
    return element
        .with("data-" + which + "path", path)
        .with("data-" + which + "value", value.toString());
  }

  /** The number for people. */
  Markup show(Unit unit) {
    return mark(Markup.of("data").with("value", value.toString())).text(unit.text(number()));
  }
}
