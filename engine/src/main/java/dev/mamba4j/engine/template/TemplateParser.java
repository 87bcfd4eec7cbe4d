package dev.mamba4j.engine.template;

import dev.mamba4j.engine.template.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the statements of a template and the text between them. */
final class TemplateParser {
  private final TokenReader tokens;
  private final ExpressionParser expressions;
  private int loops; // that are open here

  private TemplateParser(TokenReader tokens) {
    this.tokens = tokens;
    expressions = new ExpressionParser(tokens);
  }

  /** The nodes of a whole template. */
  static List<Node> parse(String source) {
    return new TemplateParser(new TokenReader(Lexer.read(source))).nodesUntil();
  }

  /** Nodes up to a statement of one of these names, which stays. */
  private List<Node> nodesUntil(String... ends) {
    List<Node> nodes = new ArrayList<>();
    while (!tokens.sees(Kind.END)) {
      for (String end : ends) {
        if (tokens.seesStatement(end)) {
          return nodes;
        }
      }
      nodes.add(new Node.Placed(tokens.peek().line(), node()));
    }
    if (ends.length > 0) {
      throw tokens.expected("'" + ends[ends.length - 1] + "'");
    }
    return nodes;
  }

  private Node node() {
    Token token = tokens.next();
    return switch (token.kind()) {
      case TEXT -> new Node.Plain(Text.written(token.text()));
      case OUTPUT_BEGIN -> {
        Expression value = expressions.tupleOrExpression();
        tokens.expect(Kind.OUTPUT_END, "'}}'");
        yield new Node.Output(value);
      }
      case STATEMENT_BEGIN -> statement();
      default -> throw new IllegalStateException("a token outside tags: " + token);
    };
  }

  private Node statement() {
    Token name = tokens.expect(Kind.NAME, "a statement");
    return switch (name.text()) {
      case "if" -> ifStatement();
      case "for" -> forStatement();
      case "set" -> set();
      case "macro" -> macro();
      case "generation" -> {
        endTag();
        List<Node> body = nodesUntil("endgeneration");
        endStatement("endgeneration");
        yield new Node.Block(body);
      }
      case "break", "continue" -> {
        if (loops == 0) {
          throw TemplateException.at(name.line(), name.text() + " outside a loop");
        }
        endTag();
        yield new Node.Leave(name.text().equals("break") ? Node.Then.BREAK : Node.Then.CONTINUE);
      }
      default ->
          throw TemplateException.at(
              name.line(), "there is no statement '" + name.text() + "' here");
    };
  }

  private void endTag() {
    tokens.expect(Kind.STATEMENT_END, "'%}'");
  }

  private void endStatement(String name) {
    tokens.expect(Kind.STATEMENT_BEGIN, "'{%'");
    tokens.expectName(name);
    endTag();
  }

  private Node ifStatement() {
    Expression condition = expressions.tupleOrExpression();
    endTag();
    List<Node> then = nodesUntil("elif", "else", "endif");
    int line = tokens.peek().line();
    tokens.expect(Kind.STATEMENT_BEGIN, "'{%'");
    if (tokens.takeName("elif")) {
      return new Node.If(condition, then, List.of(new Node.Placed(line, ifStatement())));
    }
    List<Node> otherwise = List.of();
    if (tokens.takeName("else")) {
      endTag();
      otherwise = nodesUntil("endif");
      tokens.expect(Kind.STATEMENT_BEGIN, "'{%'");
    }
    tokens.expectName("endif");
    endTag();
    return new Node.If(condition, then, otherwise);
  }

  private Node forStatement() {
    List<String> targets = names();
    tokens.expectName("in");
    Expression elements = expressions.or();
    Expression condition = tokens.takeName("if") ? expressions.expression() : null;
    endTag();
    loops++;
    List<Node> body = nodesUntil("else", "endfor");
    loops--;
    List<Node> otherwise = List.of();
    if (tokens.seesStatement("else")) {
      endStatement("else");
      otherwise = nodesUntil("endfor");
    }
    endStatement("endfor");
    return new Node.For(targets, elements, condition, body, otherwise);
  }

  private List<String> names() {
    boolean enclosed = tokens.takeOperator("(");
    List<String> names = new ArrayList<>();
    do {
      names.add(tokens.expect(Kind.NAME, "a name").text());
    } while (tokens.takeOperator(","));
    if (enclosed) {
      tokens.expectOperator(")");
    }
    return names;
  }

  private Node set() {
    List<String> targets = names();
    String first = targets.getFirst();
    if (tokens.takeOperator(".")) {
      String name = tokens.expect(Kind.NAME, "a name").text();
      tokens.expectOperator("=");
      Expression value = expressions.tupleOrExpression();
      endTag();
      return new Node.NamespaceAssignment(first, name, value);
    }
    if (tokens.takeOperator("=")) {
      Expression value = expressions.tupleOrExpression();
      endTag();
      return new Node.Assignment(targets, value);
    }
    endTag();
    List<Node> body = nodesUntil("endset");
    endStatement("endset");
    return new Node.TextAssignment(first, body);
  }

  private Node macro() {
    String name = tokens.expect(Kind.NAME, "a name").text();
    Map<String, Expression> parameters = new LinkedHashMap<>();
    tokens.expectOperator("(");
    while (!tokens.takeOperator(")")) {
      String parameter = tokens.expect(Kind.NAME, "the name of a parameter").text();
      parameters.put(parameter, tokens.takeOperator("=") ? expressions.expression() : null);
      if (!tokens.seesOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    endTag();
    int outside = loops;
    loops = 0;
    List<Node> body = nodesUntil("endmacro");
    loops = outside;
    endStatement("endmacro");
    return new Node.Macro(name, parameters, body);
  }
}
