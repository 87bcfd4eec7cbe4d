package dev.mamba4j.engine.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Something that has a value. */
sealed interface Expression {
  /** The value where these names are known. */
  Object value(Scope scope);

  /** The value, told to the budget. */
  default Object evaluate(Scope scope) {
    scope.budget().step();
    return value(scope);
  }

  /** All the values, in order. */
  static List<Object> evaluate(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(expression.evaluate(scope));
    }
    return values;
  }

  /** A value that stands in the template. */
  record Literal(Object constant) implements Expression {
    @Override
    public Object value(Scope scope) {
      return constant;
    }
  }

  /** The value of a name. */
  record Name(String name) implements Expression {
    @Override
    public Object value(Scope scope) {
      return scope.get(name);
    }
  }

  /** A list or tuple. */
  record ListOf(List<Expression> elements) implements Expression {
    @Override
    public Object value(Scope scope) {
      return Expression.evaluate(elements, scope);
    }
  }

  /** A dictionary; keys are texts. */
  record DictOf(List<Expression> keys, List<Expression> values) implements Expression {
    @Override
    public Object value(Scope scope) {
      Map<Text, Object> dict = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        dict.put(Values.text(keys.get(i).evaluate(scope)), values.get(i).evaluate(scope));
      }
      return dict;
    }
  }

  /** {@code base.name}. */
  record Attribute(Expression base, String name) implements Expression {
    @Override
    public Object value(Scope scope) {
      return Members.attribute(base.evaluate(scope), name, this);
    }
  }

  /** {@code base[index]}. */
  record Item(Expression base, Expression index) implements Expression {
    @Override
    public Object value(Scope scope) {
      return Members.item(base.evaluate(scope), index.evaluate(scope), this);
    }
  }

  /** {@code base[from:to:step]}, each null if absent. */
  record Slice(Expression base, Expression from, Expression to, Expression step)
      implements Expression {
    @Override
    public Object value(Scope scope) {
      return Members.slice(
          base.evaluate(scope),
          bound(from, scope),
          bound(to, scope),
          bound(step, scope),
          scope.budget());
    }

    private static Long bound(Expression expression, Scope scope) {
      Object value = expression == null ? null : expression.evaluate(scope);
      return value == null ? null : Long.valueOf(Values.integer(value));
    }
  }

  /** What a call is given. */
  record ArgumentList(List<Expression> positional, Map<String, Expression> named) {
    Arguments evaluate(Scope scope) {
      Map<String, Object> values = new LinkedHashMap<>();
      named.forEach((name, expression) -> values.put(name, expression.evaluate(scope)));
      return new Arguments(Expression.evaluate(positional, scope), values);
    }
  }

  /** {@code callee(arguments)}. */
  record Call(Expression callee, ArgumentList arguments) implements Expression {
    @Override
    public Object value(Scope scope) {
      if (callee.evaluate(scope) instanceof Function function) {
        return function.call(arguments.evaluate(scope), scope.budget());
      }
      throw TemplateException.of(Values.name(callee) + " is no function that a template may call");
    }
  }

  /** {@code base | name(arguments)}. */
  record Filtered(Expression base, String name, ArgumentList arguments) implements Expression {
    @Override
    public Object value(Scope scope) {
      Object filtered = base.evaluate(scope);
      if (filtered instanceof Text text) {
        scope.budget().characters(text.length());
      }
      return Filters.get(name).apply(filtered, arguments.evaluate(scope), scope.budget());
    }
  }

  /** {@code base is name argument}. */
  record Tested(Expression base, String name, ArgumentList arguments) implements Expression {
    @Override
    public Object value(Scope scope) {
      return Tests.get(name).holds(base.evaluate(scope), arguments.evaluate(scope), scope.budget());
    }
  }

  /** {@code not operand}. */
  record Not(Expression operand) implements Expression {
    @Override
    public Object value(Scope scope) {
      return !Values.truth(operand.evaluate(scope));
    }
  }

  /** {@code -operand}. */
  record Negative(Expression operand) implements Expression {
    @Override
    public Object value(Scope scope) {
      return Operators.apply("-", 0L, operand.evaluate(scope), scope.budget());
    }
  }

  /** {@code left and right}, {@code left or right}: the one that decides. */
  record Logic(boolean and, Expression left, Expression right) implements Expression {
    @Override
    public Object value(Scope scope) {
      Object first = left.evaluate(scope);
      return Values.truth(first) == and ? right.evaluate(scope) : first;
    }
  }

  /** {@code left operator right}. */
  record Binary(String operator, Expression left, Expression right) implements Expression {
    @Override
    public Object value(Scope scope) {
      return Operators.apply(operator, left.evaluate(scope), right.evaluate(scope), scope.budget());
    }
  }

  /** {@code first < second <= third}: all must hold. */
  record Comparison(Expression first, List<String> operators, List<Expression> others)
      implements Expression {
    @Override
    public Object value(Scope scope) {
      Object left = first.evaluate(scope);
      for (int i = 0; i < operators.size(); i++) {
        Object right = others.get(i).evaluate(scope);
        if (!Operators.compare(operators.get(i), left, right, scope.budget())) {
          return false;
        }
        left = right;
      }
      return true;
    }
  }

  /** {@code then if condition else otherwise}; the latter is null if absent. */
  record Conditional(Expression condition, Expression then, Expression otherwise)
      implements Expression {
    @Override
    public Object value(Scope scope) {
      if (Values.truth(condition.evaluate(scope))) {
        return then.evaluate(scope);
      }
      return otherwise == null ? new Undefined("") : otherwise.evaluate(scope);
    }
  }
}
