package dev.mamba4j.engine;

import dev.mamba4j.kernels.Vectors;

/** Takes logits as a model computes them. Calls come from the thread that called the model. */
@FunctionalInterface
public interface LogitsListener {
  /** Leaves them where they are. */
  LogitsListener NONE = (position, logits, row) -> {};

  /**
   * The logits after reading the token at a position, in order of positions. Must not call the
   * model.
   *
   * @param logits valid during the call
   * @param row of {@code logits} that holds them: (vocabulary)
   */
  void logits(int position, Vectors logits, int row);
}
