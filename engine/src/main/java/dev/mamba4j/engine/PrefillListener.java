package dev.mamba4j.engine;

import dev.mamba4j.kernels.Vectors;

/** Follows a prefill. Calls come from the thread that called it. */
public interface PrefillListener extends LogitsListener {
  /** Wants only to have the tokens read. */
  PrefillListener NONE = new PrefillListener() {};

  /**
   * Called before each block.
   *
   * @param done tokens that have been read
   * @param total tokens to read
   * @return whether to go on
   */
  default boolean progress(int done, int total) {
    return true;
  }

  /**
   * The first position whose logits are wanted; no logits are computed before it.
   *
   * @param total tokens to read; returning this or more asks for none
   */
  default int firstLogits(int total) {
    return total;
  }

  @Override
  default void logits(int position, Vectors logits, int row) {}
}
