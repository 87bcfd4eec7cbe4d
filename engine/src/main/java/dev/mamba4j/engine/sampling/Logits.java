package dev.mamba4j.engine.sampling;

import java.util.Objects;

/** Checks on what a model gave. */
final class Logits {
  private Logits() {}

  /**
   * The highest of the first {@code count} logits; it is finite.
   *
   * @throws SamplingException if one is NaN or positive infinity, or all are negative infinity
   * @throws IndexOutOfBoundsException if there are not as many logits
   */
  static float highest(float[] logits, int count) {
    Objects.checkFromIndexSize(0, count, logits.length);
    float highest = Float.NEGATIVE_INFINITY;
    for (int id = 0; id < count; id++) {
      highest = Math.max(highest, logits[id]); // NaN if one is
    }
    if (Float.isNaN(highest)) {
      throw new SamplingException("model gave NaN logits");
    }
    if (highest == Float.POSITIVE_INFINITY) {
      throw new SamplingException("a logit is infinite");
    }
    if (highest == Float.NEGATIVE_INFINITY) {
      throw new SamplingException("no token is possible: all logits are negative infinity");
    }
    return highest;
  }
}
