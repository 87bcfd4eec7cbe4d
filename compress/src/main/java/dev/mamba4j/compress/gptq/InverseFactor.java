package dev.mamba4j.compress.gptq;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The upper triangular U with {@code H^-1 = Uᵀ U} of a symmetric positive definite H, by which an
 * error in one column of weights is spread over those that follow (Frantar et al. 2022, arXiv
 * 2210.17323, section 3.3).
 *
 * <p>H is factored from its last column on, {@code H = R Rᵀ} with R upper triangular; then U is the
 * inverse of R.
 */
final class InverseFactor {
  private InverseFactor() {}

  /**
   * Factors a matrix in place.
   *
   * @param h (size, size), symmetric, of finite numbers; overwritten by U, below the diagonal by
   *     zeros
   * @param damping added to the diagonal, as a share of its mean; more where it takes more to make
   *     the matrix positive definite
   */
  static void of(float[][] h, double damping) {
    int size = h.length;
    double mean = 0;
    for (int i = 0; i < size; i++) {
      mean += h[i][i] / size;
    }
    float[][] given = Arrays.stream(h).map(float[]::clone).toArray(float[][]::new);
    for (double share = damping; ; share *= 10) {
      for (int i = 0; i < size; i++) {
        System.arraycopy(given[i], 0, h[i], 0, size);
        h[i][i] += (float) (share * mean) + Float.MIN_NORMAL;
      }
      if (factor(h)) {
        break;
      }
    }
    invert(h);
  }

  /** {@code H = R Rᵀ}; false if H is not positive definite. */
  private static boolean factor(float[][] h) {
    for (int j = h.length - 1; j >= 0; j--) {
      float[] last = h[j]; // columns 0 to j of row j are those of column j: H is symmetric
      if (!(last[j] > 0)) {
        return false;
      }
      float root = (float) Math.sqrt(last[j]);
      for (int k = 0; k <= j; k++) {
        last[k] /= root;
      }
      IntStream rows = IntStream.range(0, j);
      (j > 512 ? rows.parallel() : rows).forEach(i -> subtract(h[i], last, last[i], i + 1));
    }
    // Row j holds column j of R; turn it over.
    for (int i = 0; i < h.length; i++) {
      for (int j = i + 1; j < h.length; j++) {
        h[i][j] = h[j][i];
        h[j][i] = 0;
      }
    }
    return true;
  }

  /** {@code row[0..end) -= factor * other[0..end)}. */
  private static void subtract(float[] row, float[] other, float factor, int end) {
    for (int k = 0; k < end; k++) {
      row[k] -= factor * other[k];
    }
  }

  /** The inverse of an upper triangular matrix, in place, from the last row up. */
  private static void invert(float[][] r) {
    int size = r.length;
    float[] row = new float[size];
    for (int i = size - 1; i >= 0; i--) {
      float inverse = 1 / r[i][i];
      System.arraycopy(r[i], i, row, i, size - i);
      Arrays.fill(r[i], i, size, 0);
      r[i][i] = inverse;
      for (int k = i + 1; k < size; k++) {
        float factor = row[k] * inverse;
        float[] below = r[k];
        float[] target = r[i];
        for (int j = k; j < size; j++) {
          target[j] -= factor * below[j];
        }
      }
    }
  }
}
