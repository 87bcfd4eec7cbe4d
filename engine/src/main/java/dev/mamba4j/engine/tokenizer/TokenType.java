package dev.mamba4j.engine.tokenizer;

/** What a token is, as GGUF numbers it in {@code tokenizer.ggml.token_type}. */
public enum TokenType {
  /** A piece of text in the byte alphabet. */
  NORMAL(1),
  /** What stands for unknown text; handled as {@link #CONTROL}. */
  UNKNOWN(2),
  /** A mark such as the end of a text; found in text only when asked for. */
  CONTROL(3),
  /** Plain text that is always one token, such as a run of spaces. */
  USER_DEFINED(4),
  /** An id without a token. */
  UNUSED(5),
  /** A single byte; byte-level vocabularies have it as {@link #NORMAL}. */
  BYTE(6);

  private static final TokenType[] BY_ID = values();

  private final int id;

  TokenType(int id) {
    this.id = id;
  }

  /** The number in the file. */
  public int id() {
    return id;
  }

  /** The type of a number, or null if there is none. */
  static TokenType of(int id) {
    return id >= 1 && id <= BY_ID.length ? BY_ID[id - 1] : null;
  }
}
