package dev.mamba4j.engine.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What operators do, as in Python. */
final class Operators {
  private Operators() {}

  /** {@code left operator right}. */
  static Object apply(String operator, Object left, Object right, Budget budget) {
    if (operator.equals("~")) {
      return new Text.Builder(budget)
          .append(PythonText.str(left, budget))
          .append(PythonText.str(right, budget))
          .toText();
    }
    try {
      return switch (left) {
        case Undefined missing -> throw missing.error();
        case Text text when right instanceof Text other && operator.equals("+") ->
            new Text.Builder(budget).append(text).append(other).toText();
        case Text text when right instanceof Long count && operator.equals("*") ->
            repeat(text, count, budget);
        case List<?> list when right instanceof List<?> other && operator.equals("+") ->
            concat(list, other, budget);
        case null, default -> numbers(operator, left, right);
      };
    } catch (ArithmeticException e) {
      throw TemplateException.of(e.getMessage());
    }
  }

  private static Text repeat(Text text, long count, Budget budget) {
    Text.Builder all = new Text.Builder(budget);
    for (long i = 0; i < count; i++) {
      budget.step();
      all.append(text);
    }
    return all.toText();
  }

  private static List<Object> concat(List<?> first, List<?> second, Budget budget) {
    budget.steps((long) first.size() + second.size());
    List<Object> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }

  private static Object numbers(String operator, Object left, Object right) {
    if (right instanceof Undefined missing) {
      throw missing.error();
    }
    if (!isNumber(left) || !isNumber(right)) {
      throw TemplateException.of(
          "%s %s %s is not possible".formatted(Values.kind(left), operator, Values.kind(right)));
    }
    if (left instanceof Double || right instanceof Double || operator.equals("/")) {
      return floats(operator, toDouble(left), toDouble(right));
    }
    long a = Values.integer(left);
    long b = Values.integer(right);
    return switch (operator) {
      case "+" -> Math.addExact(a, b);
      case "-" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      case "**" -> b < 0 ? (Object) Math.pow((double) a, (double) b) : (Object) power(a, b);
      default -> throw TemplateException.of("there is no operator " + operator);
    };
  }

  private static long power(long base, long exponent) {
    long result = 1;
    for (long i = 0; i < exponent && (base > 1 || base < -1 || i < 2); i++) {
      result = Math.multiplyExact(result, base);
    }
    return base == -1 && exponent % 2 != 0 ? -1 : result;
  }

  private static double floats(String operator, double a, double b) {
    if (b == 0 && (operator.startsWith("/") || operator.equals("%"))) {
      throw new ArithmeticException("/ by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - b * Math.floor(a / b);
      case "**" -> Math.pow(a, b);
      default -> throw TemplateException.of("there is no operator " + operator);
    };
  }

  /** Whether {@code left operator right} holds. */
  static boolean compare(String operator, Object left, Object right, Budget budget) {
    return switch (operator) {
      case "==" -> equal(left, right, budget);
      case "!=" -> !equal(left, right, budget);
      case "in" -> contains(right, left, budget);
      case "not in" -> !contains(right, left, budget);
      case "<" -> order(left, right, budget) < 0;
      case "<=" -> order(left, right, budget) <= 0;
      case ">" -> order(left, right, budget) > 0;
      case ">=" -> order(left, right, budget) >= 0;
      default -> throw TemplateException.of("there is no operator " + operator);
    };
  }

  static boolean equal(Object left, Object right, Budget budget) {
    budget.step();
    if (isNumber(left) && isNumber(right)) {
      boolean floats = left instanceof Double || right instanceof Double;
      return floats
          ? toDouble(left) == toDouble(right)
          : Values.integer(left) == Values.integer(right);
    }
    return switch (left) {
      case Undefined _ -> right instanceof Undefined;
      case Text text when right instanceof Text other -> {
        budget.characters(Math.min(text.length(), other.length()));
        yield text.equals(other);
      }
      case List<?> list when right instanceof List<?> other -> equalLists(list, other, budget);
      case Map<?, ?> map when right instanceof Map<?, ?> other ->
          map.keySet().equals(other.keySet())
              && map.keySet().stream().allMatch(key -> equal(map.get(key), other.get(key), budget));
      case null -> right == null;
      default -> left.equals(right); // by identity, but for booleans
    };
  }

  private static boolean equalLists(List<?> left, List<?> right, Budget budget) {
    boolean equal = left.size() == right.size();
    for (int i = 0; equal && i < left.size(); i++) {
      equal = equal(left.get(i), right.get(i), budget);
    }
    return equal;
  }

  /** Negative, 0 or positive as the first comes before, with or after the second. */
  static int order(Object left, Object right, Budget budget) {
    if (isNumber(left) && isNumber(right)) {
      return Double.compare(toDouble(left), toDouble(right));
    }
    if (left instanceof Text first && right instanceof Text second) {
      budget.characters(Math.min(first.length(), second.length()));
      return first.compareTo(second);
    }
    throw TemplateException.of(
        "%s and %s have no order".formatted(Values.kind(left), Values.kind(right)));
  }

  static boolean contains(Object container, Object element, Budget budget) {
    return switch (container) {
      case Text text -> {
        Text what = Values.text(element);
        budget.search(text, what);
        yield text.indexOf(what, 0) >= 0;
      }
      case List<?> list -> list.stream().anyMatch(other -> equal(other, element, budget));
      case Map<?, ?> map -> element instanceof Text && map.containsKey(element);
      case Undefined _ -> false;
      case null, default ->
          throw TemplateException.of(Values.kind(container) + " holds no elements");
    };
  }

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  static double toDouble(Object value) {
    return value instanceof Double number ? number : Values.integer(value);
  }
}
