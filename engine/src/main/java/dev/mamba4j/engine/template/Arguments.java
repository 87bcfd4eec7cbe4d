package dev.mamba4j.engine.template;

import java.util.List;
import java.util.Map;

/** The values that a function, filter or test is given. */
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /** Whether there is an argument at a position, from 0, or of a name. */
  boolean has(int position, String name) {
    return position < positional.size() || named.containsKey(name);
  }

  /** An argument that may be left out. */
  Object get(int position, String name, Object otherwise) {
    if (position < positional.size()) {
      return positional.get(position);
    }
    return named.containsKey(name) ? named.get(name) : otherwise;
  }

  /** An argument that must be there. */
  Object get(int position, String name) {
    if (!has(position, name)) {
      throw TemplateException.of("the argument '" + name + "' is missing");
    }
    return get(position, name, null);
  }

  /** A text, or null where there is none. */
  Text text(int position, String name) {
    return switch (get(position, name, null)) {
      case null -> null;
      case Text text -> text;
      case Object other ->
          throw TemplateException.of(
              "the argument '%s' must be a text, not %s".formatted(name, Values.kind(other)));
    };
  }

  /** A whole number. */
  long integer(int position, String name, long otherwise) {
    return Values.integer(get(position, name, otherwise));
  }

  /** Without the first of the positional ones. */
  Arguments rest() {
    return new Arguments(positional.subList(1, positional.size()), named);
  }
}
