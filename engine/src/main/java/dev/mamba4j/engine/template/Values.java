package dev.mamba4j.engine.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The values of templates and what Python says of them. There are null (none), Boolean, Long,
 * Double, {@link Text}, List, Map from Text, {@link Namespace}, {@link Loop}, {@link Function} and
 * {@link Undefined}.
 */
final class Values {
  private Values() {}

  /** What a value counts as in a condition. */
  static boolean truth(Object value) {
    return switch (value) {
      case null -> false;
      case Boolean bool -> bool;
      case Long number -> number != 0;
      case Double number -> number != 0;
      case Text text -> !text.isEmpty();
      case List<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      case Undefined _ -> false;
      default -> true;
    };
  }

  /** What a value is called in errors. */
  static String kind(Object value) {
    return switch (value) {
      case null -> "none";
      case Boolean _ -> "a boolean";
      case Long _, Double _ -> "a number";
      case Text _ -> "a text";
      case List<?> _ -> "a list";
      case Map<?, ?> _ -> "a dictionary";
      case Undefined _ -> "undefined";
      case Function _ -> "a function";
      default -> "an object";
    };
  }

  /** An expression as errors call it. */
  static String name(Expression expression) {
    return switch (expression) {
      case Expression.Name(String name) -> name;
      case Expression.Attribute(Expression base, String name) -> name(base) + "." + name;
      case Expression.Item(Expression base, Expression index) ->
          name(base) + "[" + name(index) + "]";
      case Expression.Literal(Object constant) ->
          PythonText.repr(constant, new Budget()).toString();
      default -> "(...)";
    };
  }

  static long integer(Object value) {
    return switch (value) {
      case Long number -> number;
      case Boolean bool -> bool ? 1 : 0;
      case Undefined missing -> throw missing.error();
      case null, default ->
          throw TemplateException.of("expected a whole number, found " + kind(value));
    };
  }

  static Text text(Object value) {
    return switch (value) {
      case Text text -> text;
      case Undefined missing -> throw missing.error();
      case null, default -> throw TemplateException.of("expected a text, found " + kind(value));
    };
  }

  /** What a loop goes through: elements, keys or characters; nothing where nothing is defined. */
  static List<Object> elements(Object value, Budget budget) {
    List<Object> elements =
        switch (value) {
          case List<?> list -> new ArrayList<>(list);
          case Map<?, ?> map -> new ArrayList<>(map.keySet());
          case Text text -> characters(text);
          case Undefined _ -> List.of();
          case null, default ->
              throw TemplateException.of(kind(value) + " has no elements to go through");
        };
    budget.steps(elements.size());
    return elements;
  }

  private static List<Object> characters(Text text) {
    List<Object> characters = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      int next = text.toString().offsetByCodePoints(at, 1);
      characters.add(text.substring(at, next));
      at = next;
    }
    return characters;
  }

  /** How many elements or characters there are. */
  static long length(Object value) {
    return switch (value) {
      case List<?> list -> list.size();
      case Map<?, ?> map -> map.size();
      case Text text -> text.toString().codePointCount(0, text.length());
      case Undefined _ -> 0;
      case null, default -> throw TemplateException.of(kind(value) + " has no length");
    };
  }
}
