package dev.mamba4j.engine.template;

import dev.mamba4j.engine.template.Token.Kind;
import java.util.List;

/** Tokens one after the other, and what to say where another one was expected. */
final class TokenReader {
  private final List<Token> tokens; // the last is END
  private int at;

  TokenReader(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(at);
  }

  Token next() {
    Token token = peek();
    if (token.kind() != Kind.END) {
      at++;
    }
    return token;
  }

  boolean sees(Kind kind) {
    return peek().kind() == kind;
  }

  boolean seesOperator(String operator) {
    return peek().is(Kind.OPERATOR, operator);
  }

  boolean seesName(String name) {
    return peek().is(Kind.NAME, name);
  }

  /** Whether the statement that begins here is of this name. */
  boolean seesStatement(String name) {
    return sees(Kind.STATEMENT_BEGIN) && tokens.get(at + 1).is(Kind.NAME, name);
  }

  boolean takeOperator(String operator) {
    return take(seesOperator(operator));
  }

  boolean takeName(String name) {
    return take(seesName(name));
  }

  private boolean take(boolean there) {
    at += there ? 1 : 0;
    return there;
  }

  void expectOperator(String operator) {
    if (!takeOperator(operator)) {
      throw expected("'" + operator + "'");
    }
  }

  void expectName(String name) {
    if (!takeName(name)) {
      throw expected("'" + name + "'");
    }
  }

  Token expect(Kind kind, String called) {
    if (!sees(kind)) {
      throw expected(called);
    }
    return next();
  }

  /** What to say where something else stands. */
  TemplateException expected(String called) {
    return TemplateException.at(peek().line(), "expected " + called + ", found " + peek().shown());
  }
}
