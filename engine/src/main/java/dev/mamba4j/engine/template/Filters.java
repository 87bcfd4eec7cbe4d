package dev.mamba4j.engine.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What may stand behind a bar. */
final class Filters {
  /** Makes a value of another. */
  @FunctionalInterface
  interface Filter {
    Object apply(Object value, Arguments arguments, Budget budget);
  }

  private static final Map<String, Filter> ALL =
      Map.ofEntries(
          // Texts
          Map.entry("string", (value, _, budget) -> PythonText.str(value, budget)),
          Map.entry("safe", (value, _, budget) -> PythonText.str(value, budget)),
          Map.entry("trim", (value, given, budget) -> trim(PythonText.str(value, budget), given)),
          Map.entry("upper", (value, _, _) -> TextMethods.upper(Values.text(value))),
          Map.entry("lower", (value, _, _) -> TextMethods.lower(Values.text(value))),
          Map.entry("capitalize", (value, _, _) -> TextMethods.capitalize(Values.text(value))),
          Map.entry("title", (value, _, _) -> TextMethods.title(Values.text(value))),
          Map.entry(
              "replace",
              (value, given, budget) -> TextMethods.replace(Values.text(value), given, budget)),
          Map.entry("indent", (value, given, budget) -> indent(Values.text(value), given, budget)),
          Map.entry("tojson", Filters::json),
          // Numbers
          Map.entry("int", (value, given, _) -> integer(value, given.integer(0, "default", 0))),
          Map.entry("abs", (value, _, _) -> absolute(value)),
          // Any value
          Map.entry("default", (value, given, _) -> orElse(value, given)),
          Map.entry("d", (value, given, _) -> orElse(value, given)),
          // Lists
          Map.entry("length", (value, _, _) -> Values.length(value)),
          Map.entry("count", (value, _, _) -> Values.length(value)),
          Map.entry("list", (value, _, budget) -> Values.elements(value, budget)),
          Map.entry("items", (value, _, budget) -> items(value, budget)),
          Map.entry("dictsort", (value, _, budget) -> Lists.sorted(items(value, budget), budget)),
          Map.entry("first", (value, _, budget) -> at(value, true, budget)),
          Map.entry("last", (value, _, budget) -> at(value, false, budget)),
          Map.entry("join", Lists::join),
          Map.entry("reverse", (value, _, budget) -> Members.slice(value, null, null, -1L, budget)),
          Map.entry("sort", Lists::sort),
          Map.entry("unique", (value, _, budget) -> Lists.unique(value, budget)),
          Map.entry("map", Lists::map),
          Map.entry("select", Lists.selecting(true)),
          Map.entry("reject", Lists.selecting(false)),
          Map.entry("selectattr", Lists.selectingByAttribute(true)),
          Map.entry("rejectattr", Lists.selectingByAttribute(false)));

  private Filters() {}

  static Filter get(String name) {
    Filter filter = ALL.get(name);
    if (filter == null) {
      throw TemplateException.of("there is no filter '" + name + "'");
    }
    return filter;
  }

  private static Text trim(Text text, Arguments given) {
    Text set = given.text(0, "chars");
    return text.strip(set == null ? null : set.toString(), true, true);
  }

  private static Text indent(Text text, Arguments given, Budget budget) {
    Object width = given.get(0, "width", 4L);
    Text gap =
        width instanceof Text own
            ? own
            : Text.written(" ".repeat(Math.clamp(Values.integer(width), 0, 1000)));
    boolean first = Values.truth(given.get(1, "first", false));
    boolean blank = Values.truth(given.get(2, "blank", false));
    List<Text> lines = new ArrayList<>();
    for (Text line : text.split(Text.written("\n"), Long.MAX_VALUE, budget)) {
      boolean indented = lines.isEmpty() ? first : blank || !line.isEmpty();
      lines.add(indented ? new Text.Builder(budget).append(gap).append(line).toText() : line);
    }
    return Text.join(Text.written("\n"), lines, budget);
  }

  private static Text json(Object value, Arguments given, Budget budget) {
    Object indent = given.get(0, "indent", given.get(1, "indent", null));
    int spaces = indent == null ? -1 : Math.clamp(Values.integer(indent), 0, 16);
    return PythonText.json(value, spaces, budget);
  }

  private static Object integer(Object value, long otherwise) {
    return switch (value) {
      case Double number -> (Object) (long) (double) number;
      case Long number -> number;
      case Boolean bool -> bool ? 1L : 0L;
      case Text text when text.toString().strip().matches("[+-]?[0-9]{1,18}") ->
          Long.parseLong(text.toString().strip());
      case null, default -> otherwise;
    };
  }

  private static Object absolute(Object value) {
    return value instanceof Double number
        ? (Object) Math.abs(number)
        : (Object) Math.absExact(Values.integer(value));
  }

  /** The second argument says that what counts as false is replaced too. */
  private static Object orElse(Object value, Arguments given) {
    boolean replaced =
        value instanceof Undefined
            || (Values.truth(given.get(1, "boolean", false)) && !Values.truth(value));
    return replaced ? given.get(0, "default_value", Text.EMPTY) : value;
  }

  private static List<Object> items(Object value, Budget budget) {
    return switch (value) {
      case Map<?, ?> map -> Members.pairs(map, budget);
      case Undefined _ -> List.of();
      case null, default -> throw TemplateException.of(Values.kind(value) + " has no items");
    };
  }

  private static Object at(Object value, boolean first, Budget budget) {
    List<Object> elements = Values.elements(value, budget);
    if (elements.isEmpty()) {
      return new Undefined(first ? "first" : "last");
    }
    return first ? elements.getFirst() : elements.getLast();
  }
}
