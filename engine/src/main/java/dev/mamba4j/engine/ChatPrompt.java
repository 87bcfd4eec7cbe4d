package dev.mamba4j.engine;

/**
 * A conversation as the tokens that a model continues; see {@link ChatFormat}.
 *
 * @param tokens the text up to where the answer begins
 * @param ends how many tokens there are up to the end of turns, the last of them at least: where
 *     another prompt of this conversation may part from this one
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
public record ChatPrompt(int[] tokens, int[] ends) {
  /** Who speaks. */
  public enum Role {
    /** Nobody: a text before all that is said. */
    SYSTEM,
    /** Who asks. */
    USER,
    /** The model. */
    ASSISTANT
  }

  /** What one says at a time. */
  public record Turn(Role role, String content) {}
}
