package dev.mamba4j.compress.gptq;

import java.util.Arrays;

/**
 * The upper triangular U with {@code H^-1 = Uᵀ U} of a symmetric positive definite H, by which an
 * error in one column of weights is spread over those that follow (Frantar et al. 2022, arXiv
 * 2210.17323, section 3.3).
 *
 * <p>H is factored from its last column on, {@code H = R Rᵀ} with R upper triangular; then U is the
 * inverse of R. Both in panels, so that most of the work is done within the caches.
 */
final class InverseFactor {
  private InverseFactor() {}

  /** Rows that are finished before the others get their share of them. */
  private static final int PANEL = 64;

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
    float[][] r = new float[size][size];
    for (double share = damping; ; share *= 10) {
      for (int i = 0; i < size; i++) {
        System.arraycopy(h[i], 0, r[i], 0, size);
        r[i][i] += (float) (share * mean) + Float.MIN_NORMAL;
      }
      if (factor(r)) {
        break;
      }
    }
    invert(r, h);
  }

  /** {@code H = R Rᵀ}; false if H is not positive definite. */
  private static boolean factor(float[][] h) {
    // From the last row up, columns 0 to j of row j are those of column j of R: H is symmetric.
    for (int end = h.length; end > 0; end -= PANEL) {
      int begin = Math.max(0, end - PANEL);
      float[][] panel = new float[end - begin][];
      for (int j = end - 1; j >= begin; j--) {
        panel[end - 1 - j] = h[j];
        if (!divideByRoot(h[j], j)) {
          return false;
        }
        for (int i = begin; i < j; i++) {
          Multiples.subtract(h[i], h[j][i], h[j], 0, i + 1);
        }
      }
      Multiples.inGroups(begin, (first, count) -> subtract(h, first, count, panel));
    }
    turnOver(h);
    return true;
  }

  private static boolean divideByRoot(float[] row, int diagonal) {
    if (!(row[diagonal] > 0)) {
      return false;
    }
    float root = (float) Math.sqrt(row[diagonal]);
    for (int k = 0; k <= diagonal; k++) {
      row[k] /= root;
    }
    return true;
  }

  /** What finished rows take from those above; beyond the diagonal, nobody reads the result. */
  private static void subtract(float[][] h, int first, int count, float[][] panel) {
    float[][] factors = new float[count][panel.length];
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < panel.length; j++) {
        factors[i][j] = panel[j][first + i];
      }
    }
    float[][] targets = Arrays.copyOfRange(h, first, first + count);
    Multiples.subtract(targets, factors, panel, 0, 0, first + count);
  }

  /** Row j holds column j of R; makes it row j. */
  private static void turnOver(float[][] h) {
    for (int i = 0; i < h.length; i++) {
      for (int j = i + 1; j < h.length; j++) {
        h[i][j] = h[j][i];
        h[j][i] = 0;
      }
    }
  }

  /** The inverse U of an upper triangular R: each row solves {@code u R = e}, a unit vector. */
  private static void invert(float[][] r, float[][] u) {
    Multiples.inGroups(r.length, (first, count) -> solve(r, u, first, count));
  }

  private static void solve(float[][] r, float[][] u, int first, int count) {
    float[][] rows = Arrays.copyOfRange(u, first, first + count);
    for (int i = 0; i < count; i++) {
      Arrays.fill(rows[i], 0);
      rows[i][first + i] = 1;
    }
    for (int begin = first; begin < r.length; begin += PANEL) {
      int end = Math.min(r.length, begin + PANEL);
      float[][] factors = new float[count][];
      for (int i = 0; i < count; i++) {
        for (int k = begin; k < end; k++) {
          rows[i][k] /= r[k][k];
          Multiples.subtract(rows[i], rows[i][k], r[k], k + 1, end);
        }
        factors[i] = Arrays.copyOfRange(rows[i], begin, end);
      }
      Multiples.subtract(rows, factors, r, begin, end, r.length);
    }
  }
}
