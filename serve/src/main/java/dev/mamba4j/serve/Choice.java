package dev.mamba4j.serve;

import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.sampling.LogProbabilities;

/**
 * Follows one continuation of a prompt. Calls come from the thread that runs the model, one at a
 * time, and must be quick. After the end there are none.
 */
interface Choice {
  /**
   * A token was chosen.
   *
   * @param token maybe the one that ends a text
   * @param piece the text that has become certain
   * @param distribution from which it was chosen; null unless the sequence asks for distributions
   */
  void token(int token, String piece, LogProbabilities distribution);

  /**
   * The continuation has ended.
   *
   * @param cached how many tokens of the prompt were remembered
   */
  void ended(Generation.Reason reason, int cached);

  /** It could not be ended. */
  void failed(RuntimeException cause);
}
