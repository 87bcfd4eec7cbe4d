package dev.mamba4j.evaluate;

import java.util.Arrays;

/** How samples spread. */
public final class Distribution {
  private final double[] sorted;

  private Distribution(double[] sorted) {
    this.sorted = sorted;
  }

  static Distribution of(double[] samples) {
    double[] sorted = samples.clone();
    Arrays.sort(sorted);
    return new Distribution(sorted);
  }

  /** The smallest sample. */
  public double minimum() {
    return sorted[0];
  }

  /** The largest sample. */
  public double maximum() {
    return sorted[sorted.length - 1];
  }

  /** As many samples are above as below. */
  public double median() {
    return percentile(50);
  }

  /**
   * A value that this share of the samples does not exceed; between two samples it is interpolated.
   *
   * @param percent from 0 to 100
   */
  public double percentile(double percent) {
    double place = percent / 100 * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }
}
