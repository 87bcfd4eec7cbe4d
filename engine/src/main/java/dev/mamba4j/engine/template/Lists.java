package dev.mamba4j.engine.template;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Filters that make lists of lists. */
final class Lists {
  private Lists() {}

  static Text join(Object value, Arguments given, Budget budget) {
    Object list = value;
    if (given.has(1, "attribute")) {
      Text attribute = given.text(1, "attribute");
      list =
          Values.elements(value, budget).stream()
              .map(element -> attribute(element, attribute))
              .toList();
    }
    Text separator = given.text(0, "d");
    return TextMethods.join(separator == null ? Text.EMPTY : separator, list, budget);
  }

  private static Object attribute(Object element, Text names) {
    Object value = element;
    for (String name : names.toString().split("\\.", -1)) {
      value = Members.item(value, Text.written(name), new Expression.Name(name));
    }
    return value;
  }

  /** {@code sort(reverse, case_sensitive, attribute)}; upper and lower case are alike. */
  static List<Object> sort(Object value, Arguments given, Budget budget) {
    Text attribute = given.text(2, "attribute");
    boolean exact = Values.truth(given.get(1, "case_sensitive", false));
    Comparator<Object> order =
        (a, b) ->
            Operators.order(sortKey(a, attribute, exact), sortKey(b, attribute, exact), budget);
    return sorted(
        Values.elements(value, budget),
        Values.truth(given.get(0, "reverse", false)) ? order.reversed() : order,
        budget);
  }

  private static Object sortKey(Object element, Text attribute, boolean exact) {
    Object key = attribute == null ? element : attribute(element, attribute);
    return key instanceof Text text && !exact
        ? text.map(value -> value.toLowerCase(Locale.ROOT))
        : key;
  }

  /** Pairs by their first. */
  static List<Object> sorted(List<Object> pairs, Budget budget) {
    return sorted(
        pairs,
        (a, b) ->
            Operators.order(
                sortKey(((List<?>) a).getFirst(), null, false),
                sortKey(((List<?>) b).getFirst(), null, false),
                budget),
        budget);
  }

  private static List<Object> sorted(
      List<Object> elements, Comparator<Object> order, Budget budget) {
    List<Object> sorted = new ArrayList<>(elements);
    sorted.sort(
        (a, b) -> {
          budget.step();
          return order.compare(a, b);
        });
    return sorted;
  }

  static List<Object> unique(Object value, Budget budget) {
    List<Object> unique = new ArrayList<>();
    for (Object element : Values.elements(value, budget)) {
      if (!Operators.contains(unique, element, budget)) {
        unique.add(element);
      }
    }
    return unique;
  }

  /** {@code map(attribute=NAME, default=VALUE)} or {@code map(FILTER, arguments...)}. */
  static List<Object> map(Object value, Arguments given, Budget budget) {
    List<Object> mapped = new ArrayList<>();
    boolean byAttribute = given.named().containsKey("attribute");
    for (Object element : Values.elements(value, budget)) {
      if (byAttribute) {
        Object found = attribute(element, Values.text(given.named().get("attribute")));
        boolean missing = found instanceof Undefined && given.named().containsKey("default");
        mapped.add(missing ? given.named().get("default") : found);
      } else {
        String filter = Values.text(given.get(0, "filter")).toString();
        mapped.add(Filters.get(filter).apply(element, given.rest(), budget));
      }
    }
    return mapped;
  }

  /** {@code select(TEST, arguments...)}; without a test, what is true. */
  static Filters.Filter selecting(boolean wanted) {
    return (value, given, budget) -> {
      List<Object> kept = new ArrayList<>(Values.elements(value, budget));
      kept.removeIf(element -> holds(element, given, budget) != wanted);
      return kept;
    };
  }

  /** {@code selectattr(NAME, TEST, arguments...)}. */
  static Filters.Filter selectingByAttribute(boolean wanted) {
    return (value, given, budget) -> {
      Text name = Values.text(given.get(0, "attribute"));
      List<Object> kept = new ArrayList<>(Values.elements(value, budget));
      kept.removeIf(element -> holds(attribute(element, name), given.rest(), budget) != wanted);
      return kept;
    };
  }

  private static boolean holds(Object value, Arguments given, Budget budget) {
    if (given.positional().isEmpty()) {
      return Values.truth(value);
    }
    String test = Values.text(given.positional().getFirst()).toString();
    return Tests.get(test).holds(value, given.rest(), budget);
  }
}
