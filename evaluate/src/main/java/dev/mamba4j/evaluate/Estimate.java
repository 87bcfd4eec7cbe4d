package dev.mamba4j.evaluate;

import java.util.function.DoubleUnaryOperator;

/**
 * A measured quantity.
 *
 * @param value what was measured
 * @param standardError how far the value is likely to be from that of more text of the same kind
 */
public record Estimate(double value, double standardError) {
  /** The mean of samples and its standard error. */
  public static Estimate mean(double[] samples) {
    double mean = average(samples);
    return new Estimate(mean, Math.sqrt(covariance(samples, mean, samples, mean)));
  }

  /** The difference of two means over the same tokens, which vary together. */
  static Estimate difference(double[] samples, double[] others) {
    double[] differences = new double[samples.length];
    for (int i = 0; i < samples.length; i++) {
      differences[i] = samples[i] - others[i];
    }
    return mean(differences);
  }

  /** Covariance of two means, squared standard error for one. */
  static double covariance(double[] samples, double[] others) {
    return covariance(samples, average(samples), others, average(others));
  }

  private static double covariance(double[] samples, double mean, double[] others, double other) {
    if (samples.length < 2) {
      return 0;
    }
    double sum = 0;
    for (int i = 0; i < samples.length; i++) {
      sum += (samples[i] - mean) * (others[i] - other);
    }
    return sum / samples.length / (samples.length - 1); // llama-perplexity's, and lm-eval's
  }

  private static double average(double[] samples) {
    double sum = 0;
    for (double sample : samples) {
      sum += sample;
    }
    return sum / samples.length;
  }

  /** What a function makes of it; the error grows with the slope there. */
  Estimate map(DoubleUnaryOperator function, double slope) {
    return new Estimate(function.applyAsDouble(value), standardError * Math.abs(slope));
  }
}
