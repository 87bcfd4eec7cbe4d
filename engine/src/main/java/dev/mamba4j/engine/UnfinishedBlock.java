package dev.mamba4j.engine;

import dev.mamba4j.kernels.Vectors;
import java.lang.foreign.Arena;

/**
 * Tokens that a state has taken in, but not through all layers: prefill was cancelled in the middle
 * of a block. To undo it would take a copy of the state for each block; it is cheaper to go on.
 *
 * @param hidden (tokens, width), after the layers done
 * @param tokens how many
 * @param layers how many layers are done
 */
record UnfinishedBlock(Vectors hidden, int tokens, int layers) {
  /** Keeps a copy of the hidden vectors. */
  static UnfinishedBlock copyOf(Vectors hidden, int tokens, int layers) {
    Vectors copy = Vectors.allocate(Arena.ofAuto(), tokens, hidden.columns());
    for (int i = 0; i < tokens; i++) {
      copy.copy(i, hidden, i);
    }
    return new UnfinishedBlock(copy, tokens, layers);
  }
}
