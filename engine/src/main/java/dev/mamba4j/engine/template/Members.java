package dev.mamba4j.engine.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What stands behind a dot or in brackets. */
final class Members {
  private Members() {}

  /** {@code value.name}; what there is not is undefined, but of the undefined itself. */
  static Object attribute(Object value, String name, Expression expression) {
    Object found =
        switch (value) {
          case Undefined missing -> throw missing.error();
          case Text text -> TextMethods.of(text, name);
          case Map<?, ?> map -> member(map, name);
          case Namespace(Map<String, Object> values) when values.containsKey(name) ->
              values.get(name);
          case Loop loop -> loop.attribute(name);
          case null, default -> new Undefined(name);
        };
    return found instanceof Undefined ? new Undefined(Values.name(expression)) : found;
  }

  private static Object member(Map<?, ?> map, String name) {
    return switch (name) {
      case "items" -> (Function) (_, budget) -> pairs(map, budget);
      case "keys" -> (Function) (_, budget) -> Values.elements(map, budget);
      case "values" -> (Function) (_, _) -> new ArrayList<Object>(map.values());
      case "get" -> (Function) (given, _) -> get(map, given);
      default -> entry(map, Text.written(name));
    };
  }

  private static Object get(Map<?, ?> map, Arguments given) {
    Text key = Values.text(given.get(0, "key"));
    return map.containsKey(key) ? map.get(key) : given.get(1, "default", null);
  }

  private static Object entry(Map<?, ?> map, Object key) {
    return map.containsKey(key) ? map.get(key) : new Undefined(String.valueOf(key));
  }

  /** Keys and values, two by two. */
  static List<Object> pairs(Map<?, ?> map, Budget budget) {
    budget.steps(2L * map.size());
    List<Object> pairs = new ArrayList<>();
    map.forEach((key, entry) -> pairs.add(pair(key, entry)));
    return pairs;
  }

  private static List<Object> pair(Object key, Object value) {
    List<Object> pair = new ArrayList<>(); // values may be null
    pair.add(key);
    pair.add(value);
    return pair;
  }

  /** {@code value[index]}. */
  static Object item(Object value, Object index, Expression expression) {
    Object found =
        switch (value) {
          case Undefined missing -> throw missing.error();
          case List<?> list when index instanceof Long at -> element(list, at);
          case Text text when index instanceof Long at -> character(text, at);
          case Map<?, ?> map when index instanceof Text key && map.containsKey(key) -> map.get(key);
          case null, default ->
              index instanceof Text name
                  ? attribute(value, name.toString(), expression)
                  : new Undefined("");
        };
    return found instanceof Undefined ? new Undefined(Values.name(expression)) : found;
  }

  private static Object element(List<?> list, long index) {
    long at = index < 0 ? index + list.size() : index;
    return at < 0 || at >= list.size() ? new Undefined("") : list.get((int) at);
  }

  private static Object character(Text text, long index) {
    long at = index < 0 ? index + text.length() : index;
    return at < 0 || at >= text.length()
        ? new Undefined("")
        : text.substring((int) at, (int) at + 1);
  }

  /** {@code value[from:to:step]} of a list or text, each bound null if absent. */
  static Object slice(Object value, Long from, Long to, Long step, Budget budget) {
    long stride = step == null ? 1 : step;
    if (stride == 0) {
      throw TemplateException.of("the step of a slice is 0");
    }
    return switch (value) {
      case Undefined missing -> throw missing.error();
      case List<?> list -> {
        List<Object> part = new ArrayList<>();
        for (int index : indexes(list.size(), from, to, stride, budget)) {
          part.add(list.get(index));
        }
        yield part;
      }
      case Text text when stride == 1 -> {
        int begin = (int) bound(from, text.length(), 0, true);
        int end = (int) bound(to, text.length(), text.length(), true);
        budget.characters(text.length());
        yield text.substring(begin, Math.max(begin, end));
      }
      case Text text -> {
        Text.Builder part = new Text.Builder(budget);
        for (int index : indexes(text.length(), from, to, stride, budget)) {
          part.append(text.substring(index, index + 1));
        }
        yield part.toText();
      }
      case null, default -> throw TemplateException.of(Values.kind(value) + " has no slices");
    };
  }

  private static List<Integer> indexes(int size, Long from, Long to, long step, Budget budget) {
    boolean forward = step > 0;
    long begin = bound(from, size, forward ? 0 : size - 1L, forward);
    long end = bound(to, size, forward ? size : -1L, forward);
    List<Integer> indexes = new ArrayList<>();
    for (long i = begin; forward ? i < end : i > end; i += step) {
      budget.step();
      indexes.add((int) i);
    }
    return indexes;
  }

  private static long bound(Long given, int size, long otherwise, boolean forward) {
    if (given == null) {
      return otherwise;
    }
    long at = given < 0 ? given + size : given;
    return Math.clamp(at, forward ? 0L : -1L, forward ? size : size - 1L);
  }
}
