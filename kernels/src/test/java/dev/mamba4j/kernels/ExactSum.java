package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.fail;

/**
 * A sum in double precision that also knows the sum of the absolute terms, which is what the error
 * of any way to add them in single precision is proportional to.
 */
final class ExactSum {
  private double value;
  private double magnitude;

  /** Adds one term. */
  ExactSum add(double term) {
    value += term;
    magnitude += Math.abs(term);
    return this;
  }

  /** Adds a term that is itself the product of a factor and a sum. */
  ExactSum add(double factor, ExactSum sum) {
    value += factor * sum.value;
    magnitude += Math.abs(factor) * sum.magnitude;
    return this;
  }

  double value() {
    return value;
  }

  double magnitude() {
    return magnitude;
  }

  /**
   * Fails unless the actual value is as near as the bound, relative to the absolute terms, says.
   */
  void assertNear(double actual, double bound, String what) {
    if (!(Math.abs(actual - value) <= bound * magnitude)) {
      fail("%s: expected %s within %s of %s, got %s", what, value, bound, magnitude, actual);
    }
  }
}
