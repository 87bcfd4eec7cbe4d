package dev.mamba4j.engine.template;

import java.util.List;
import java.util.Map;

/** What may stand behind {@code is}. */
final class Tests {
  /** Whether something holds of a value. */
  @FunctionalInterface
  interface Test {
    boolean holds(Object value, Arguments arguments, Budget budget);
  }

  private static final Map<String, Test> ALL =
      Map.ofEntries(
          Map.entry("defined", (value, _, _) -> !(value instanceof Undefined)),
          Map.entry("undefined", (value, _, _) -> value instanceof Undefined),
          Map.entry("none", (value, _, _) -> value == null),
          Map.entry("string", (value, _, _) -> value instanceof Text),
          Map.entry("number", (value, _, _) -> Operators.isNumber(value)),
          Map.entry("integer", (value, _, _) -> value instanceof Long),
          Map.entry("float", (value, _, _) -> value instanceof Double),
          Map.entry("boolean", (value, _, _) -> value instanceof Boolean),
          Map.entry("true", (value, _, _) -> Boolean.TRUE.equals(value)),
          Map.entry("false", (value, _, _) -> Boolean.FALSE.equals(value)),
          Map.entry("mapping", (value, _, _) -> value instanceof Map),
          Map.entry("sequence", (value, _, _) -> hasElements(value)),
          Map.entry("iterable", (value, _, _) -> hasElements(value)),
          Map.entry("callable", (value, _, _) -> value instanceof Function),
          Map.entry("odd", (value, _, _) -> Values.integer(value) % 2 != 0),
          Map.entry("even", (value, _, _) -> Values.integer(value) % 2 == 0),
          Map.entry(
              "divisibleby", (value, given, _) -> divisible(value, given.integer(0, "num", 0))),
          Map.entry("eq", comparison("==")),
          Map.entry("equalto", comparison("==")),
          Map.entry("==", comparison("==")),
          Map.entry("ne", comparison("!=")),
          Map.entry("!=", comparison("!=")),
          Map.entry("lt", comparison("<")),
          Map.entry("le", comparison("<=")),
          Map.entry("gt", comparison(">")),
          Map.entry("ge", comparison(">=")),
          Map.entry("in", comparison("in")));

  private Tests() {}

  static Test get(String name) {
    Test test = ALL.get(name);
    if (test == null) {
      throw TemplateException.of("there is no test '" + name + "'");
    }
    return test;
  }

  private static boolean hasElements(Object value) {
    return value instanceof List || value instanceof Map || value instanceof Text;
  }

  private static boolean divisible(Object value, long by) {
    if (by == 0) {
      throw TemplateException.of("/ by zero");
    }
    return Values.integer(value) % by == 0;
  }

  private static Test comparison(String operator) {
    return (value, given, budget) ->
        Operators.compare(operator, value, given.get(0, "other"), budget);
  }
}
