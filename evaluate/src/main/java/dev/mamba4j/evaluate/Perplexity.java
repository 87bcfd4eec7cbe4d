package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.kernels.Vectors;
import java.util.Arrays;

/**
 * Perplexity as llama.cpp's {@code llama-perplexity} measures it: the text is cut into windows,
 * each is read from an empty state, and the tokens of its second half are scored.
 *
 * @param value e to the mean negative log-likelihood of the scored tokens
 * @param standardError of the value
 * @param tokens how many tokens were scored
 */
public record Perplexity(double value, double standardError, int tokens) {
  /** The window of llama-perplexity, in tokens. */
  public static final int DEFAULT_WINDOW = 512;

  /** Follows a measurement. */
  @FunctionalInterface
  public interface Progress {
    /** Says nothing. */
    Progress NONE = (done, total) -> {};

    /** Called after each window. */
    void report(int done, int total);
  }

  /**
   * Measures a model on a text.
   *
   * @param window tokens of a window, at least 4
   * @param maxWindows how many windows at most, from the start of the text
   * @throws FormatException if the model has no tokenizer
   * @throws IllegalArgumentException if the text does not fill a window
   */
  public static Perplexity measure(
      LanguageModel model, String text, int window, int maxWindows, Progress progress)
      throws FormatException {
    if (window < 4) {
      throw new IllegalArgumentException("a window must have 4 tokens or more, not " + window);
    }
    Tokenizer tokenizer = model.tokenizer();
    int[] tokens = tokenizer.encodeDocument(text, false);
    int windows = Math.min(maxWindows, tokens.length / window);
    if (windows < 1) {
      throw new IllegalArgumentException(
          "the text has %d tokens, a window takes %d; give a longer text or a smaller window"
              .formatted(tokens.length, window));
    }
    Likelihood likelihood = new Likelihood(model.mamba2().config().vocabulary());
    try (Mamba2State state = model.mamba2().newState()) {
      for (int i = 0; i < windows; i++) {
        state.reset();
        likelihood.window = Arrays.copyOfRange(tokens, i * window, (i + 1) * window);
        model.mamba2().prefill(state, likelihood.window, likelihood);
        progress.report(i + 1, windows);
      }
    }
    return likelihood.perplexity();
  }

  /** Adds up the negative log-likelihoods of the second halves of windows. */
  private static final class Likelihood implements PrefillListener {
    private final float[] logits;
    private int[] window = {};
    private double sum;
    private double squares;
    private int count;

    Likelihood(int vocabulary) {
      logits = new float[vocabulary];
    }

    @Override
    public int firstLogits(int total) {
      return total / 2;
    }

    @Override
    public void logits(int position, Vectors all, int row) {
      if (position + 1 < window.length) {
        all.read(row, logits);
        double loss =
            LogProbabilities.logSumExp(logits, logits.length) - logits[window[position + 1]];
        sum += loss;
        squares += loss * loss;
        count++;
      }
    }

    Perplexity perplexity() {
      double mean = sum / count;
      double variance = squares / count - mean * mean;
      double error = count > 1 && variance > 0 ? Math.sqrt(variance / (count - 1)) : 0;
      double value = Math.exp(mean);
      return new Perplexity(value, error * value, count);
    }
  }
}
