package dev.mamba4j.engine;

import dev.mamba4j.kernels.Vectors;

/** Follows a prefill. Calls come from the thread that called it. */
public interface PrefillListener extends LogitsListener {
  /** Wants only to have the tokens read. */
  PrefillListener NONE = new PrefillListener() {};

  /**
   * Called before each block and several times while one is read.
   *
   * @param done tokens of the blocks that have been read
   * @param total tokens to read
   * @return whether to go on
   */
  default boolean progress(int done, int total) {
    return true;
  }

  /**
   * The first position whose logits are wanted; no logits are computed before it. Where a prefill
   * was cancelled before this one, the tokens that it left on their way have the positions before
   * 0: who wants the logits of the last token read, whatever there is to read, returns {@code total
   * - 1}.
   *
   * @param total tokens to read; returning this or more asks for none
   */
  default int firstLogits(int total) {
    return total;
  }

  @Override
  default void logits(int position, Vectors logits, int row) {}
}
