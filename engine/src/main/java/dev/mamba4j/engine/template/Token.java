package dev.mamba4j.engine.template;

/**
 * A piece of a template.
 *
 * @param text the characters; of a string, without quotes and with its escapes resolved
 * @param line where it begins, from 1
 */
record Token(Kind kind, String text, int line) {
  enum Kind {
    /** Text outside tags. */
    TEXT,
    /** The beginning of a tag that prints. */
    OUTPUT_BEGIN,
    OUTPUT_END,
    /** The beginning of a statement. */
    STATEMENT_BEGIN,
    STATEMENT_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind wanted, String characters) {
    return kind == wanted && text.equals(characters);
  }

  /** As an error calls it. */
  String shown() {
    return switch (kind) {
      case END -> "the end";
      case TEXT -> "text";
      default -> "'" + text + "'";
    };
  }
}
