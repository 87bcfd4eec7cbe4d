package dev.mamba4j.engine.sampling;

import java.util.ArrayList;
import java.util.List;

/**
 * The natural logarithms of the probabilities of all tokens: {@code logit - log(sum(exp(logits)))}.
 * Sums are float64.
 */
public final class LogProbabilities {
  private final float[] values;

  private LogProbabilities(float[] values) {
    this.values = values;
  }

  /** A token and the logarithm of its probability. */
  public record Entry(int token, float logProbability) {}

  /**
   * The log-probabilities for the first {@code count} logits.
   *
   * @throws SamplingException if logits are NaN or positive infinity, or all are negative infinity
   */
  public static LogProbabilities of(float[] logits, int count) {
    return new LogProbabilities(logSoftmax(logits, count));
  }

  /**
   * The log-probabilities for the first {@code count} logits, as a new array of that length.
   *
   * @throws SamplingException if logits are NaN or positive infinity, or all are negative infinity
   */
  public static float[] logSoftmax(float[] logits, int count) {
    double logSum = logSumExp(logits, count);
    float[] result = new float[count];
    for (int i = 0; i < count; i++) {
      result[i] = (float) (logits[i] - logSum);
    }
    return result;
  }

  /**
   * {@code log(sum(exp(logits)))} of the first {@code count} logits: what is taken off a logit to
   * make it a log-probability.
   *
   * @throws SamplingException if logits are NaN or positive infinity, or all are negative infinity
   */
  public static double logSumExp(float[] logits, int count) {
    double highest = Logits.highest(logits, count);
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += Exponential.of(logits[i] - highest);
    }
    return highest + StrictMath.log(sum);
  }

  /**
   * How far a distribution is from the one that it stands for, in nats: the Kullback-Leibler
   * divergence {@code sum(p * (log(p) - log(q)))} over the first {@code count} tokens, p being the
   * probabilities of {@code base} and q those of {@code logits}. Positive infinity if a token that
   * is possible in the base is not.
   *
   * @throws SamplingException if logits are NaN or positive infinity, or all are negative infinity
   */
  public static double divergence(float[] base, float[] logits, int count) {
    double logSum = logSumExp(logits, count);
    double highest = Logits.highest(base, count);
    double sum = 0;
    double differences = 0;
    for (int i = 0; i < count; i++) {
      double weight = Exponential.of(base[i] - highest);
      if (weight > 0) {
        sum += weight;
        differences += weight * ((double) base[i] - logits[i]);
      }
    }
    // log(p) - log(q) = (base - its log-sum) - (logit - its log-sum); the log-sums weigh 1 in all.
    double divergence = differences / sum - (highest + StrictMath.log(sum) - logSum);
    return Math.max(0, divergence); // rounding may leave -1e-16
  }

  /** The logarithm of the probability of {@code token}. */
  public float get(int token) {
    return values[token];
  }

  /**
   * The {@code n} most probable tokens, the most probable first; of equal ones, the lower id first.
   * Fewer if fewer are possible.
   */
  public List<Entry> top(int n) {
    HighestScores best = new HighestScores();
    best.select(values, values.length, n);
    long[] keys = best.sorted();
    List<Entry> entries = new ArrayList<>(best.size());
    for (int i = 0; i < best.size(); i++) {
      int token = HighestScores.id(keys[i]);
      entries.add(new Entry(token, values[token]));
    }
    return entries;
  }
}
