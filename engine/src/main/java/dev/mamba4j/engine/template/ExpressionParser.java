package dev.mamba4j.engine.template;

import dev.mamba4j.engine.template.Expression.ArgumentList;
import dev.mamba4j.engine.template.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads expressions, by Jinja's precedence. */
final class ExpressionParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> KEYWORDS =
      Set.of("and", "or", "not", "in", "is", "if", "else", "elif", "for", "recursive");
  private static final ArgumentList NO_ARGUMENTS = new ArgumentList(List.of(), Map.of());

  private final TokenReader tokens;

  ExpressionParser(TokenReader tokens) {
    this.tokens = tokens;
  }

  /** An expression, or several with commas between as a tuple. */
  Expression tupleOrExpression() {
    Expression first = expression();
    if (!tokens.seesOperator(",")) {
      return first;
    }
    List<Expression> elements = new ArrayList<>(List.of(first));
    while (tokens.takeOperator(",") && !endsHere()) {
      elements.add(expression());
    }
    return new Expression.ListOf(elements);
  }

  private boolean endsHere() {
    return tokens.sees(Kind.STATEMENT_END)
        || tokens.sees(Kind.OUTPUT_END)
        || tokens.seesOperator(")");
  }

  Expression expression() {
    Expression value = or();
    while (tokens.takeName("if")) {
      Expression condition = or();
      value =
          new Expression.Conditional(
              condition, value, tokens.takeName("else") ? expression() : null);
    }
    return value;
  }

  /** An expression that no {@code if} belongs to. */
  Expression or() {
    Expression left = and();
    while (tokens.takeName("or")) {
      left = new Expression.Logic(false, left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.takeName("and")) {
      left = new Expression.Logic(true, left, not());
    }
    return left;
  }

  private Expression not() {
    return tokens.takeName("not") ? new Expression.Not(not()) : comparison();
  }

  private Expression comparison() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> others = new ArrayList<>();
    for (String operator = comparator(); operator != null; operator = comparator()) {
      operators.add(operator);
      others.add(sum());
    }
    return operators.isEmpty() ? first : new Expression.Comparison(first, operators, others);
  }

  private String comparator() {
    if (tokens.sees(Kind.OPERATOR) && COMPARISONS.contains(tokens.peek().text())) {
      return tokens.next().text();
    }
    if (tokens.takeName("in")) {
      return "in";
    }
    if (tokens.takeName("not")) {
      tokens.expectName("in");
      return "not in";
    }
    return null;
  }

  private Expression sum() {
    Expression left = concatenation();
    while (tokens.seesOperator("+") || tokens.seesOperator("-")) {
      left = new Expression.Binary(tokens.next().text(), left, concatenation());
    }
    return left;
  }

  private Expression concatenation() {
    Expression left = product();
    while (tokens.takeOperator("~")) {
      left = new Expression.Binary("~", left, product());
    }
    return left;
  }

  private Expression product() {
    Expression left = power();
    while (tokens.seesOperator("*")
        || tokens.seesOperator("/")
        || tokens.seesOperator("//")
        || tokens.seesOperator("%")) {
      left = new Expression.Binary(tokens.next().text(), left, power());
    }
    return left;
  }

  /** Unlike Python's, a sign binds closer than a power, and powers go from left to right. */
  private Expression power() {
    Expression left = filtered(signed());
    while (tokens.takeOperator("**")) {
      left = new Expression.Binary("**", left, filtered(signed()));
    }
    return left;
  }

  private Expression signed() {
    if (tokens.takeOperator("-")) {
      return new Expression.Negative(signed());
    }
    return tokens.takeOperator("+") ? signed() : members(primary());
  }

  private Expression primary() {
    Token token = tokens.peek();
    return switch (token.kind()) {
      case STRING -> strings();
      case INTEGER -> new Expression.Literal(integer(tokens.next()));
      case FLOAT -> new Expression.Literal(Double.valueOf(tokens.next().text()));
      case NAME -> name(tokens.next());
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> parentheses();
            case "[" -> list();
            case "{" -> dict();
            default -> throw tokens.expected("a value");
          };
      default -> throw tokens.expected("a value");
    };
  }

  /** Strings side by side are one. */
  private Expression strings() {
    StringBuilder text = new StringBuilder();
    while (tokens.sees(Kind.STRING)) {
      text.append(tokens.next().text());
    }
    return new Expression.Literal(Text.written(text.toString()));
  }

  private static Long integer(Token token) {
    try {
      return Long.valueOf(token.text());
    } catch (NumberFormatException _) {
      throw TemplateException.at(token.line(), token.text() + " is too large");
    }
  }

  private static Expression name(Token token) {
    return switch (token.text()) {
      case "true", "True" -> new Expression.Literal(true);
      case "false", "False" -> new Expression.Literal(false);
      case "none", "None" -> new Expression.Literal(null);
      case String word when KEYWORDS.contains(word) ->
          throw TemplateException.at(token.line(), "expected a value, found " + token.shown());
      case String word -> new Expression.Name(word);
    };
  }

  private Expression parentheses() {
    tokens.expectOperator("(");
    if (tokens.takeOperator(")")) {
      return new Expression.ListOf(List.of());
    }
    Expression inner = tupleOrExpression();
    tokens.expectOperator(")");
    return inner;
  }

  private Expression list() {
    tokens.expectOperator("[");
    List<Expression> elements = new ArrayList<>();
    while (!tokens.takeOperator("]")) {
      elements.add(expression());
      if (!tokens.seesOperator("]")) {
        tokens.expectOperator(",");
      }
    }
    return new Expression.ListOf(elements);
  }

  private Expression dict() {
    tokens.expectOperator("{");
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.takeOperator("}")) {
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
      if (!tokens.seesOperator("}")) {
        tokens.expectOperator(",");
      }
    }
    return new Expression.DictOf(keys, values);
  }

  /** What stands behind a value: members, items, calls. */
  private Expression members(Expression first) {
    Expression value = first;
    while (true) {
      if (tokens.takeOperator(".")) {
        value = member(value);
      } else if (tokens.seesOperator("[")) {
        value = item(value);
      } else if (tokens.seesOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression member(Expression base) {
    if (tokens.sees(Kind.INTEGER)) {
      return new Expression.Item(base, new Expression.Literal(integer(tokens.next())));
    }
    return new Expression.Attribute(base, tokens.expect(Kind.NAME, "a name").text());
  }

  private Expression item(Expression base) {
    tokens.expectOperator("[");
    Expression from = tokens.seesOperator(":") ? null : expression();
    if (!tokens.takeOperator(":")) {
      tokens.expectOperator("]");
      return new Expression.Item(base, from);
    }
    Expression to = bound();
    Expression step = tokens.takeOperator(":") ? bound() : null;
    tokens.expectOperator("]");
    return new Expression.Slice(base, from, to, step);
  }

  private Expression bound() {
    return tokens.seesOperator(":") || tokens.seesOperator("]") ? null : expression();
  }

  /** Filters and tests, which bind closer than any operator between two values. */
  private Expression filtered(Expression first) {
    Expression value = first;
    while (true) {
      if (tokens.takeOperator("|")) {
        Token name = tokens.expect(Kind.NAME, "the name of a filter");
        value = new Expression.Filtered(value, name.text(), optionalArguments());
      } else if (tokens.takeName("is")) {
        value = test(value);
      } else if (tokens.seesOperator("(") && value instanceof Expression.Filtered) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression test(Expression value) {
    boolean negated = tokens.takeName("not");
    String name = tokens.expect(Kind.NAME, "the name of a test").text();
    ArgumentList arguments =
        beginsValue()
            ? new ArgumentList(List.of(members(primary())), Map.of())
            : optionalArguments();
    Expression test = new Expression.Tested(value, name, arguments);
    return negated ? new Expression.Not(test) : test;
  }

  /** Whether what follows a test is its argument. */
  private boolean beginsValue() {
    Token token = tokens.peek();
    return switch (token.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case NAME -> !KEYWORDS.contains(token.text());
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      default -> false;
    };
  }

  private ArgumentList optionalArguments() {
    return tokens.seesOperator("(") ? arguments() : NO_ARGUMENTS;
  }

  private ArgumentList arguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!tokens.takeOperator(")")) {
      Expression value = expression();
      if (value instanceof Expression.Name(String name) && tokens.takeOperator("=")) {
        named.put(name, expression());
      } else {
        positional.add(value);
      }
      if (!tokens.seesOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    return new ArgumentList(positional, named);
  }
}
