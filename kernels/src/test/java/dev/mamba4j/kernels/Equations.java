package dev.mamba4j.kernels;

/**
 * The equations of a Mamba-2 layer in double precision on arrays, after "Transformers are SSMs"
 * (arXiv 2405.21060, section 7): what every implementation of {@link Kernels} is tested against.
 * They share no code with any of them.
 */
final class Equations {
  private Equations() {}

  static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  /** log(e^0 + e^x). */
  static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  /** Normalizes each group of values by its root mean square. */
  static double[] rmsNorm(float[] x, float[] weight, int groupSize, double epsilon) {
    double[] result = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double squares = 0;
      int group = i / groupSize * groupSize;
      for (int j = group; j < group + groupSize; j++) {
        squares += (double) x[j] * x[j];
      }
      result[i] = x[i] / Math.sqrt(squares / groupSize + epsilon) * weight[i];
    }
    return result;
  }

  /**
   * The convolution of one channel, before SiLU.
   *
   * @param inputs (taps), the oldest first, the current one last
   * @param weight (taps)
   */
  static ExactSum convolution(float[] inputs, float[] weight, float bias) {
    ExactSum sum = new ExactSum().add(bias);
    for (int tap = 0; tap < weight.length; tap++) {
      sum.add((double) weight[tap] * inputs[tap]);
    }
    return sum;
  }

  /**
   * One channel of one head after one token, in place.
   *
   * @param state (stateSize)
   * @param dt after softplus
   * @param a negative
   * @return the output before the gate
   */
  static ExactSum scanChannel(
      ExactSum[] state, double dt, double a, double d, double x, float[] b, float[] c) {
    ExactSum output = new ExactSum().add(d * x);
    for (int n = 0; n < state.length; n++) {
      state[n] = new ExactSum().add(Math.exp(dt * a), state[n]).add(dt * x * b[n]);
      output.add(c[n], state[n]);
    }
    return output;
  }
}
