package dev.mamba4j.engine;

import java.util.List;

/**
 * What a session generated.
 *
 * @param text the text, without a stop text
 * @param tokens the tokens, the end-of-text token left out
 * @param reason why it ended
 * @param seconds time from the first choice of a token to the last
 */
public record Generation(String text, List<Integer> tokens, Reason reason, double seconds) {
  /** Why a generation ended. */
  public enum Reason {
    /** The most tokens were reached. */
    LENGTH,
    /** The model ended its text. */
    END_OF_TEXT,
    /** A stop text came up. */
    STOP,
    /** The listener wanted no more. */
    CANCELLED
  }

  /** Copies the tokens. */
  public Generation {
    tokens = List.copyOf(tokens);
  }

  /** Speed; 0 if nothing was generated. */
  public double tokensPerSecond() {
    return seconds > 0 ? tokens.size() / seconds : 0;
  }
}
