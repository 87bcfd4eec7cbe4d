package dev.mamba4j.compress.gptq;

import dev.mamba4j.engine.ProjectionObserver;
import dev.mamba4j.kernels.Vectors;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Adds up the products of the inputs of matrices, {@code H = Xᵀ X}, for those that are wanted: half
 * the second derivative of the squared error of their outputs.
 */
final class InputProducts implements ProjectionObserver {
  private final Predicate<String> wanted;
  private final Map<String, float[][]> sums = new HashMap<>();

  InputProducts(Predicate<String> wanted) {
    this.wanted = wanted;
  }

  @Override
  public void inputs(String matrix, Vectors inputs, int tokens) {
    if (!wanted.test(matrix)) {
      return;
    }
    int columns = inputs.columns();
    float[][] sum = sums.computeIfAbsent(matrix, _ -> new float[columns][columns]);
    float[] x = new float[columns];
    for (int token = 0; token < tokens; token++) {
      inputs.read(token, x);
      for (int i = 0; i < columns; i++) {
        add(sum[i], x, x[i], i + 1);
      }
    }
  }

  /** The lower triangle is enough. */
  private static void add(float[] row, float[] x, float factor, int end) {
    for (int k = 0; k < end; k++) {
      row[k] += factor * x[k];
    }
  }

  /** H of a matrix, or empty if no input of it was seen. Gives it away. */
  Optional<float[][]> take(String matrix) {
    float[][] sum = sums.remove(matrix);
    if (sum != null) {
      for (int i = 0; i < sum.length; i++) {
        for (int j = 0; j < i; j++) {
          sum[j][i] = sum[i][j];
        }
      }
    }
    return Optional.ofNullable(sum);
  }
}
