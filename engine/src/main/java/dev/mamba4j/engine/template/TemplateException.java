package dev.mamba4j.engine.template;

/**
 * A template is not understood, fails, or refuses a conversation. The message is one line for the
 * user.
 */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int NOWHERE = 0;

  private final int line;

  private TemplateException(String message, int line) {
    super(message);
    this.line = line;
  }

  /** Something goes wrong; whoever knows the place adds it. */
  static TemplateException of(String message) {
    return new TemplateException(message, NOWHERE);
  }

  /** It runs, but what it makes cannot be used as a conversation. */
  public static TemplateException unsuitable(String message) {
    return new TemplateException("chat template: " + message, NOWHERE);
  }

  /** Something goes wrong at a line of the template, from 1. */
  static TemplateException at(int line, String message) {
    return new TemplateException("chat template, line " + line + ": " + message, line);
  }

  /** The template itself says so, by {@code raise_exception}. */
  static TemplateException raised(String message) {
    return new TemplateException("the chat template says: " + message, Integer.MAX_VALUE);
  }

  /** The same, with a line if it has none. */
  TemplateException within(int statement) {
    return line == NOWHERE ? at(statement, getMessage()) : this;
  }
}
