package dev.mamba4j.compress.gptq;

import java.util.stream.IntStream;

/**
 * Takes multiples of rows from others: what the work of this package consists of. Eight rows at a
 * time, so that a target is loaded and stored once for these, and in tiles that stay in a near
 * cache. All arrays are read at the same places, or the compiler would not make vectors of it.
 */
final class Multiples {
  /** Targets that share the rows which they get from far away. */
  static final int GROUP = 16;

  private static final int TILE = 512;
  private static final int TOGETHER = 8;

  private Multiples() {}

  /**
   * For each target i and each k in a range: {@code targets[i][k] -= factors[i][0] * rows[first][k]
   * + factors[i][1] * rows[first + 1][k] + ...}, added up in this order, to the last bit.
   *
   * @param factors (targets, rows that are taken)
   */
  static void subtract(
      float[][] targets, float[][] factors, float[][] rows, int first, int from, int to) {
    for (int tile = from; tile < to; tile += TILE) {
      int end = Math.min(to, tile + TILE);
      for (int i = 0; i < targets.length; i++) {
        int count = factors[i].length;
        int taken = 0;
        for (; taken + TOGETHER <= count; taken += TOGETHER) {
          subtractEight(targets[i], factors[i], taken, rows, first + taken, tile, end);
        }
        for (; taken < count; taken++) {
          subtract(targets[i], factors[i][taken], rows[first + taken], tile, end);
        }
      }
    }
  }

  /** {@code target[k] -= factor * row[k]} for k in a range. */
  static void subtract(float[] target, float factor, float[] row, int from, int to) {
    for (int k = from; k < to; k++) {
      target[k] -= factor * row[k];
    }
  }

  private static void subtractEight(
      float[] target, float[] factors, int factor, float[][] rows, int row, int from, int to) {
    float[] a = rows[row];
    float[] b = rows[row + 1];
    float[] c = rows[row + 2];
    float[] d = rows[row + 3];
    float[] e = rows[row + 4];
    float[] f = rows[row + 5];
    float[] g = rows[row + 6];
    float[] h = rows[row + 7];
    float forA = factors[factor];
    float forB = factors[factor + 1];
    float forC = factors[factor + 2];
    float forD = factors[factor + 3];
    float forE = factors[factor + 4];
    float forF = factors[factor + 5];
    float forG = factors[factor + 6];
    float forH = factors[factor + 7];
    for (int k = from; k < to; k++) {
      float half = target[k] - forA * a[k] - forB * b[k] - forC * c[k] - forD * d[k];
      target[k] = half - forE * e[k] - forF * f[k] - forG * g[k] - forH * h[k];
    }
  }

  /** Neighbours that are worked on together. */
  @FunctionalInterface
  interface Group {
    void run(int first, int count);
  }

  /** Runs over all of 0 to count in groups of {@link #GROUP}, several at a time. */
  static void inGroups(int count, Group work) {
    IntStream.range(0, (count + GROUP - 1) / GROUP)
        .parallel()
        .forEach(i -> work.run(i * GROUP, Math.min(GROUP, count - i * GROUP)));
  }
}
