package dev.mamba4j.engine;

import java.util.Objects;

/**
 * Tokens that one sequence reads in a pass over the weights, see {@link Mamba2#run}: the next one
 * of a sequence that decodes, a part of the prompt of one that begins.
 *
 * @param state of the sequence; moves on
 * @param tokens those in [from, to) are read; not changed, not kept
 * @param from index in tokens
 * @param to index in tokens, behind from
 * @param firstLogits index in tokens: from there to the end of the span logits are computed; {@code
 *     to} or more for none
 * @param listener takes the logits; positions are indices in tokens
 */
@SuppressWarnings("ArrayRecordComponent") // one call long, and never compared
public record Span(
    Mamba2State state, int[] tokens, int from, int to, int firstLogits, LogitsListener listener) {

  /** Checks that the range lies within the tokens and is not empty. */
  public Span {
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(listener, "listener");
    Objects.checkFromToIndex(from, to, tokens.length);
    if (from == to) {
      throw new IllegalArgumentException("a span of no tokens");
    }
  }

  /** One token, whose logits are wanted: a step of decoding. */
  public static Span step(Mamba2State state, int token, LogitsListener listener) {
    return new Span(state, new int[] {token}, 0, 1, 0, listener);
  }

  /** Number of tokens. */
  public int length() {
    return to - from;
  }

  /** For how many of the tokens logits are wanted. */
  int wantedLogits() {
    return Math.max(0, to - Math.max(from, firstLogits));
  }
}
