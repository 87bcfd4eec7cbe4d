package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.util.Arrays;
import java.util.stream.IntStream;

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
    Progress NONE = (done, total, soFar) -> {};

    /**
     * Called after each window.
     *
     * @param soFar the perplexity of the windows read
     */
    void report(int done, int total, Perplexity soFar);
  }

  /**
   * Measures a model on a text.
   *
   * @param window tokens of a window, at least 4
   * @param maxWindows how many windows at most, from the start of the text
   * @throws FormatException if the model has no tokenizer
   * @throws IllegalArgumentException if the text does not fill a window
   * @throws java.io.InterruptedIOException if the thread is interrupted
   */
  public static Perplexity measure(
      LanguageModel model, String text, int window, int maxWindows, Progress progress)
      throws IOException {
    TextWindows windows = TextWindows.of(model.tokenizer(), text, window, maxWindows);
    return measure(model, windows, (_, _) -> {}, progress);
  }

  /** Is given the logits of each window, one row for each scored token. */
  @FunctionalInterface
  interface LogitsListener {
    void window(int window, float[][] logits) throws IOException;
  }

  /** Measures a model on windows, and hands on the logits that it does so with. */
  static Perplexity measure(
      LanguageModel model, TextWindows windows, LogitsListener listener, Progress progress)
      throws IOException {
    int scored = windows.scored();
    double[] losses = new double[windows.count() * scored];
    windows.read(
        model,
        (window, targets, logits) -> {
          int first = window * scored;
          IntStream.range(0, scored)
              .parallel()
              .forEach(i -> losses[first + i] = loss(logits[i], targets[i]));
          listener.window(window, logits);
          double[] soFar = Arrays.copyOf(losses, first + scored);
          progress.report(window + 1, windows.count(), ofLosses(soFar));
        });
    return ofLosses(losses);
  }

  private static double loss(float[] logits, int target) {
    return LogProbabilities.logSumExp(logits, logits.length) - logits[target];
  }

  /** The perplexity of tokens of which the negative log-likelihoods are known. */
  static Perplexity ofLosses(double[] losses) {
    Estimate mean = Estimate.mean(losses);
    double value = Math.exp(mean.value());
    return new Perplexity(value, value * mean.standardError(), losses.length);
  }
}
