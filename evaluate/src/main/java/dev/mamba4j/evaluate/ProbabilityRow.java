package dev.mamba4j.evaluate;

import dev.mamba4j.engine.sampling.Exponential;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The log-probabilities of all tokens in 16 bits each, as a file of {@link BaseProbabilities} has
 * them: {@code scale * q + lowest}. The lowest is 16 below the highest, or where the lowest logit
 * is if that is nearer; all that is less probable counts as that.
 *
 * <pre>
 * scale, lowest      float32 each
 * q                  uint16 (vocabulary), and one more if that is odd
 * </pre>
 *
 * @param data the bytes of the row
 */
record ProbabilityRow(MemorySegment data, int vocabulary) {
  /** How far below the highest a logit is told from others. */
  private static final float RANGE = 16;

  private static final int STEPS = 0xFFFF;
  private static final int VALUES = 2 * Float.BYTES;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Size of a row. */
  static long bytes(int vocabulary) {
    return VALUES + Short.BYTES * 2L * ((vocabulary + 1) / 2);
  }

  /** Writes the log-probabilities that belong to logits. All is float32, as llama.cpp has it. */
  void write(float[] logits, double logSumExp) {
    float highest = Float.NEGATIVE_INFINITY;
    float lowest = Float.POSITIVE_INFINITY;
    for (int i = 0; i < vocabulary; i++) {
      highest = Math.max(highest, logits[i]);
      lowest = Math.min(lowest, logits[i]);
    }
    lowest = Math.max(lowest, highest - RANGE);
    float scale = (highest - lowest) / STEPS;
    data.set(FLOAT, 0, scale);
    data.set(FLOAT, Float.BYTES, (float) (lowest - logSumExp));
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = 0; i < vocabulary; i++) {
      float above = Math.max(0, logits[i] - lowest);
      data.set(SHORT, offset(i), (short) Math.rint(inverse * above));
    }
  }

  /** The logarithm of the probability of a token. */
  float get(int token) {
    int steps = Short.toUnsignedInt(data.get(SHORT, offset(token)));
    return data.get(FLOAT, 0) * steps + data.get(FLOAT, Float.BYTES);
  }

  private static long offset(int token) {
    return VALUES + (long) Short.BYTES * token;
  }

  /**
   * Compares a prediction with this one.
   *
   * @param target the token that came
   */
  Comparison compare(float[] logits, double logSumExp, int target) {
    double divergence = 0;
    int best = 0;
    int bestHere = 0;
    float highest = get(0);
    for (int i = 0; i < vocabulary; i++) {
      float here = get(i);
      if (here > highest) {
        highest = here;
        bestHere = i;
      }
      if (logits[i] > logits[best]) {
        best = i;
      }
      if (here > -RANGE) { // the rest was cut off
        divergence += Exponential.of(here) * (here - (logits[i] - logSumExp));
      }
    }
    return new Comparison(logSumExp - logits[target], -get(target), divergence, best == bestHere);
  }

  /**
   * Two predictions of one token, the model's and the base's.
   *
   * @param loss negative log-likelihood of the token that came
   * @param baseLoss likewise, by the base
   * @param divergence Kullback-Leibler divergence from the base, in nats
   * @param sameTop whether both hold the same token for the most probable
   */
  record Comparison(double loss, double baseLoss, double divergence, boolean sameTop) {
    /** By how much more probable the token was than to the base. */
    double change() {
      return Math.exp(-loss) - Math.exp(-baseLoss);
    }
  }
}
