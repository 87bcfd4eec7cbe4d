package dev.mamba4j.engine.sampling;

import java.util.Map;
import java.util.SplittableRandom;

/**
 * Chooses the tokens of one generation: logit biases, penalties, top-k, top-p, min-p, temperature,
 * draw. Keeps the tokens seen and the random numbers, so it belongs to one generation and one
 * thread.
 *
 * <p>Equal options, seed, accepted tokens and logits give equal tokens on every platform: random
 * numbers are SplitMix64, exponentials {@link StrictMath}. Nothing is allocated once the buffers
 * have grown.
 */
public final class Sampler {
  private final SamplingOptions options;
  private final long seed;
  private final SplittableRandom random;
  private final TokenHistory history;
  private final Candidates candidates = new Candidates();
  private final int[] biasedTokens;
  private final float[] biases;
  // Logits after biases and penalties, if there are any; the caller's stay as they are.
  private float[] adjusted = new float[0];

  /** A sampler at its start. */
  public Sampler(SamplingOptions options) {
    this.options = options;
    this.seed = options.seed().orElseGet(() -> new SplittableRandom().nextLong());
    this.random = new SplittableRandom(seed);
    this.history = new TokenHistory(options.penalizes() ? options.repeatLastN() : 0);
    this.biasedTokens = new int[options.logitBias().size()];
    this.biases = new float[biasedTokens.length];
    int at = 0;
    for (Map.Entry<Integer, Float> bias : options.logitBias().entrySet()) {
      biasedTokens[at] = bias.getKey();
      biases[at] = bias.getValue();
      at++;
    }
  }

  /** The seed in use: that of the options, or the one picked for want of it. */
  public long seed() {
    return seed;
  }

  /**
   * Counts a token toward the penalties that {@link #sample} did not give, such as one of the
   * prompt.
   */
  public void accept(int token) {
    if (token < 0) {
      throw new IllegalArgumentException("token " + token + " is negative");
    }
    history.add(token);
  }

  /**
   * Chooses the next token and counts it toward the penalties. Temperature 0 gives the highest
   * logit; of equal ones, the lowest id.
   *
   * @param logits by token id; unchanged
   * @param vocabulary how many of them are tokens; what follows is padding and never given
   * @return a token id below {@code vocabulary}
   * @throws SamplingException if logits are NaN or infinite, no token is possible, or a bias names
   *     a token outside the vocabulary
   */
  public int sample(float[] logits, int vocabulary) {
    if (vocabulary < 1 || vocabulary > logits.length) {
      throw new IllegalArgumentException(
          "vocabulary of " + vocabulary + " tokens, but " + logits.length + " logits");
    }
    float[] scores = adjust(logits, vocabulary);
    float highest = Logits.highest(scores, vocabulary);
    int token;
    if (options.temperature() == 0) {
      token = 0;
      while (scores[token] != highest) {
        token++;
      }
    } else {
      filter(scores, vocabulary, highest);
      token = candidates.draw(options.temperature(), random.nextDouble());
    }
    history.add(token);
    return token;
  }

  private void filter(float[] scores, int vocabulary, float highest) {
    if (options.topK() > 0) {
      candidates.takeTop(options.topK(), scores, vocabulary, highest);
    } else {
      candidates.takeAll(scores, vocabulary, highest);
    }
    if (options.topP() < 1) {
      candidates.keepNucleus(options.topP());
    }
    if (options.minP() > 0) {
      candidates.keepFrom(options.minP());
    }
  }

  /** The logits after biases and penalties. */
  float[] adjust(float[] logits, int vocabulary) {
    if (biases.length == 0 && !options.penalizes()) {
      return logits;
    }
    if (adjusted.length < vocabulary) {
      adjusted = new float[vocabulary];
    }
    System.arraycopy(logits, 0, adjusted, 0, vocabulary);
    addBiases(vocabulary);
    penalize(vocabulary);
    return adjusted;
  }

  private void addBiases(int vocabulary) {
    for (int i = 0; i < biases.length; i++) {
      if (biasedTokens[i] >= vocabulary) {
        throw new SamplingException(
            "logitBias names token %d, but the vocabulary has %d tokens"
                .formatted(biasedTokens[i], vocabulary));
      }
      adjusted[biasedTokens[i]] += biases[i];
    }
  }

  private void penalize(int vocabulary) {
    int[] counts = history.counts();
    for (int token = 0; token < Math.min(counts.length, vocabulary); token++) {
      if (counts[token] > 0) {
        adjusted[token] = penalized(adjusted[token], counts[token]);
      }
    }
  }

  private float penalized(float logit, int count) {
    // Dividing a negative logit would make the token more probable.
    double scaled = logit <= 0 ? logit * options.repeatPenalty() : logit / options.repeatPenalty();
    return (float) (scaled - count * options.frequencyPenalty() - options.presencePenalty());
  }

  /** The tokens that a draw would choose from. */
  int[] shortlist(float[] logits, int vocabulary) {
    float[] scores = adjust(logits, vocabulary);
    filter(scores, vocabulary, Logits.highest(scores, vocabulary));
    return candidates.ids();
  }
}
