package dev.mamba4j.engine;

import dev.mamba4j.kernels.Activations;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Matrix;

/** What the inputs of matrix products are. */
public enum Precision {
  /** What is fastest for the weights: int8 where the kernels have integer dot products. */
  FAST,
  /** Always float32, to measure what compressing the weights alone costs. */
  FLOAT;

  /** Activations over the same memory in the form that products with these weights take. */
  Activations form(Activations activations, Matrix weights, Kernels kernels) {
    return activations.withBlock(this == FLOAT ? 0 : kernels.activationBlock(weights.type()));
  }
}
