package dev.mamba4j.engine.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The methods of Python's {@code str} that templates use. */
final class TextMethods {
  private TextMethods() {}

  /** A method of a text, or undefined. */
  static Object of(Text text, String name) {
    Function method =
        switch (name) {
          case "strip" -> (given, _) -> text.strip(set(given), true, true);
          case "lstrip" -> (given, _) -> text.strip(set(given), true, false);
          case "rstrip" -> (given, _) -> text.strip(set(given), false, true);
          case "upper" -> (_, _) -> upper(text);
          case "lower" -> (_, _) -> lower(text);
          case "capitalize" -> (_, _) -> capitalize(text);
          case "title" -> (_, _) -> title(text);
          case "startswith" ->
              (given, _) -> text.toString().startsWith(required(given, "prefix").toString());
          case "endswith" ->
              (given, _) -> text.toString().endsWith(required(given, "suffix").toString());
          case "find" -> (given, budget) -> (long) find(text, required(given, "sub"), budget);
          case "count" -> (given, budget) -> count(text, required(given, "sub"), budget);
          case "replace" -> (given, budget) -> replace(text, given, budget);
          case "split" -> (given, budget) -> split(text, given, budget);
          case "splitlines" -> (_, budget) -> lines(text, budget);
          case "join" -> (given, budget) -> join(text, given.get(0, "iterable"), budget);
          default -> null;
        };
    if (method == null) {
      return new Undefined(name);
    }
    return (Function)
        (given, budget) -> {
          budget.characters(text.length());
          return method.call(given, budget);
        };
  }

  private static String set(Arguments given) {
    Text set = given.text(0, "chars");
    return set == null ? null : set.toString();
  }

  private static Text required(Arguments given, String name) {
    return Values.text(given.get(0, name));
  }

  private static int find(Text text, Text what, Budget budget) {
    budget.search(text, what);
    return text.indexOf(what, 0);
  }

  private static long count(Text text, Text what, Budget budget) {
    if (what.isEmpty()) {
      return text.length() + 1L;
    }
    return text.split(what, Long.MAX_VALUE, budget).size() - 1L;
  }

  /** {@code replace(old, new, count)}. */
  static Text replace(Text text, Arguments given, Budget budget) {
    Text old = Values.text(given.get(0, "old"));
    Text by = Values.text(given.get(1, "new"));
    long most = given.integer(2, "count", -1);
    if (old.isEmpty()) {
      throw TemplateException.of("an empty text cannot be replaced");
    }
    return Text.join(by, text.split(old, most < 0 ? Long.MAX_VALUE : most, budget), budget);
  }

  private static List<Object> split(Text text, Arguments given, Budget budget) {
    Text separator = given.text(0, "sep");
    long most = given.integer(1, "maxsplit", -1);
    if (separator == null) {
      if (most >= 0) {
        throw TemplateException.of("split needs a separator where the number of cuts is given");
      }
      return new ArrayList<>(text.words(budget));
    }
    if (separator.isEmpty()) {
      throw TemplateException.of("a text cannot be split at an empty one");
    }
    return new ArrayList<>(text.split(separator, most < 0 ? Long.MAX_VALUE : most, budget));
  }

  private static List<Object> lines(Text text, Budget budget) {
    List<Text> lines = text.split(Text.written("\n"), Long.MAX_VALUE, budget);
    return new ArrayList<>(lines.getLast().isEmpty() ? lines.subList(0, lines.size() - 1) : lines);
  }

  /** The elements of a list with a text between them. */
  static Text join(Text separator, Object list, Budget budget) {
    List<Text> parts = new ArrayList<>();
    for (Object element : Values.elements(list, budget)) {
      parts.add(PythonText.str(element, budget));
    }
    return Text.join(separator, parts, budget);
  }

  static Text upper(Text text) {
    return text.map(value -> value.toUpperCase(Locale.ROOT));
  }

  static Text lower(Text text) {
    return text.map(value -> value.toLowerCase(Locale.ROOT));
  }

  static Text capitalize(Text text) {
    return text.map(
        value ->
            value.isEmpty()
                ? value
                : value.substring(0, 1).toUpperCase(Locale.ROOT)
                    + value.substring(1).toLowerCase(Locale.ROOT));
  }

  static Text title(Text text) {
    return text.map(
        value -> {
          StringBuilder title = new StringBuilder();
          boolean inWord = false;
          for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            title.append(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inWord = Character.isLetter(c);
          }
          return title.toString();
        });
  }
}
