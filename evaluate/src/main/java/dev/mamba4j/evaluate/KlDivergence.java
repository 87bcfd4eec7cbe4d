package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.evaluate.ProbabilityRow.Comparison;
import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How far a model is from another, its base, as {@code llama-perplexity --kl-divergence} measures
 * it: on the scored tokens of the text that the base has read.
 *
 * @param perplexity of the model
 * @param base perplexity of the base
 * @param correlation of the logarithms of both perplexities, -1 to 1
 * @param logRatio logarithm of the model's perplexity over the base's
 * @param difference the model's perplexity less the base's
 * @param mean the Kullback-Leibler divergence of a token's prediction, in nats
 * @param divergences those of all tokens
 * @param meanChange by how much more probable the right token is to the model, -1 to 1
 * @param rmsChange root of the mean square of those changes
 * @param changes those of all tokens
 * @param sameTop share of the tokens at which both hold the same one for the most probable
 */
public record KlDivergence(
    Perplexity perplexity,
    Perplexity base,
    double correlation,
    Estimate logRatio,
    Estimate difference,
    Estimate mean,
    Distribution divergences,
    Estimate meanChange,
    Estimate rmsChange,
    Distribution changes,
    Estimate sameTop) {

  /** Follows a measurement. */
  @FunctionalInterface
  public interface Progress {
    /** Says nothing. */
    Progress NONE = (done, total, soFar) -> {};

    /**
     * Called after each window.
     *
     * @param soFar makes the figures of the windows read; ask during the call
     */
    void report(int done, int total, Supplier<KlDivergence> soFar);
  }

  /**
   * Measures a model on the text that a base has read.
   *
   * @param maxWindows how many windows at most, from the start of the text
   * @throws FormatException if the base is not of a model with the same tokens
   * @throws java.io.InterruptedIOException if the thread is interrupted
   */
  public static KlDivergence measure(
      LanguageModel model, BaseProbabilities base, int maxWindows, Progress progress)
      throws IOException {
    base.check(model);
    int count = Math.min(maxWindows, base.windows());
    int[] tokens = Arrays.copyOf(base.tokens(), count * base.window());
    TextWindows windows = TextWindows.of(model.tokenizer(), tokens, base.window());
    int scored = windows.scored();
    Comparison[] all = new Comparison[count * scored];
    windows.read(
        model,
        (window, targets, logits) -> {
          int first = window * scored;
          IntStream.range(0, scored)
              .parallel()
              .forEach(
                  i -> {
                    double logSum = LogProbabilities.logSumExp(logits[i], logits[i].length);
                    all[first + i] = base.row(window, i).compare(logits[i], logSum, targets[i]);
                  });
          List<Comparison> soFar = Arrays.asList(all).subList(0, first + scored);
          progress.report(window + 1, count, () -> of(soFar));
        });
    return of(Arrays.asList(all));
  }

  private static KlDivergence of(List<Comparison> all) {
    double[] losses = samples(all, Comparison::loss);
    double[] baseLosses = samples(all, Comparison::baseLoss);
    double[] divergences = samples(all, Comparison::divergence);
    double[] changes = samples(all, Comparison::change);
    Perplexity perplexity = Perplexity.ofLosses(losses);
    Perplexity base = Perplexity.ofLosses(baseLosses);
    double covariance = Estimate.covariance(losses, baseLosses);
    Estimate meanSquare = Estimate.mean(samples(all, each -> square(each.change())));
    return new KlDivergence(
        perplexity,
        base,
        covariance
            / Estimate.mean(losses).standardError()
            / Estimate.mean(baseLosses).standardError(),
        Estimate.difference(losses, baseLosses),
        difference(perplexity, base, covariance),
        Estimate.mean(divergences),
        Distribution.of(divergences),
        Estimate.mean(changes),
        meanSquare.map(Math::sqrt, 0.5 / Math.sqrt(meanSquare.value())),
        Distribution.of(changes),
        Estimate.mean(samples(all, each -> each.sameTop() ? 1 : 0)));
  }

  private static double[] samples(List<Comparison> all, ToDoubleFunction<Comparison> quantity) {
    return all.stream().mapToDouble(quantity).toArray();
  }

  private static Estimate difference(Perplexity perplexity, Perplexity base, double covariance) {
    double variance =
        square(perplexity.standardError())
            + square(base.standardError())
            - 2 * perplexity.value() * base.value() * covariance;
    return new Estimate(perplexity.value() - base.value(), Math.sqrt(Math.max(0, variance)));
  }

  private static double square(double value) {
    return value * value;
  }

  /** The model's perplexity over the base's. */
  public Estimate ratio() {
    double ratio = Math.exp(logRatio.value());
    return logRatio.map(Math::exp, ratio);
  }
}
