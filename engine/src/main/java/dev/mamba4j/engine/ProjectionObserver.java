package dev.mamba4j.engine;

import dev.mamba4j.kernels.Vectors;

/**
 * Sees what goes into the matrix products, and the states, of a model while it reads: statistics of
 * these inputs say which weights matter. Run the model with {@link Precision#FLOAT}, or the inputs
 * come of products whose own inputs were rounded to 8 bits.
 */
@FunctionalInterface
public interface ProjectionObserver {
  /** Looks at nothing, and costs nothing. */
  ProjectionObserver NONE = (matrix, inputs, tokens) -> {};

  /**
   * Called before a block of tokens is multiplied, layer by layer; for the head, only with those
   * whose logits are wanted. Calls come from any thread, one after the other, and hold up the
   * model.
   *
   * @param matrix GGUF name of the weights; a tied head has that of the embedding
   * @param inputs (tokens or more, columns of the matrix), valid during the call
   * @param tokens how many of the vectors, from the first
   */
  void inputs(String matrix, Vectors inputs, int tokens);

  /**
   * Called in the same way after each layer's convolution: its outputs x, B and C.
   *
   * @param layer from 0
   * @param channels (tokens or more, channels), x in the first {@link Mamba2Config#inner} columns;
   *     valid during the call
   */
  default void convolved(int layer, Vectors channels, int tokens) {}
}
