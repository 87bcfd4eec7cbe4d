package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.evaluate.Estimate;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What is told of the answers to a task. */
public enum Metric {
  /** Share of the items where the right choice is the most probable, or the guess is right. */
  ACC,
  /** Share of the items where the right choice has the highest log-likelihood per character. */
  ACC_NORM,
  /** e to the mean negative log-likelihood of the continuations. */
  PERPLEXITY;

  /** As the task definitions call it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether more of it is better. */
  public boolean higherIsBetter() {
    return this != PERPLEXITY;
  }

  static Optional<Metric> of(String name) {
    return List.of(values()).stream().filter(each -> each.toString().equals(name)).findFirst();
  }

  /** What an item adds: 0 or 1, or a log-likelihood. */
  double of(Item item, List<Response> responses) {
    return switch (this) {
      case ACC ->
          responses.size() == 1
              ? truth(responses.getFirst().greedy())
              : truth(best(item, responses, false) == item.gold());
      case ACC_NORM -> truth(best(item, responses, true) == item.gold());
      case PERPLEXITY -> responses.getFirst().logLikelihood();
    };
  }

  private static double truth(boolean right) {
    return right ? 1 : 0;
  }

  private static int best(Item item, List<Response> responses, boolean perCharacter) {
    int best = 0;
    double highest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < responses.size(); i++) {
      double score = responses.get(i).logLikelihood();
      double value = perCharacter ? score / item.lengths().get(i) : score;
      if (value > highest) {
        highest = value;
        best = i;
      }
    }
    return best;
  }

  /**
   * The metric of all items. The error of a perplexity is that of the mean, carried through the
   * exponential; lm-eval draws samples at random for it and gets about the same.
   */
  Estimate aggregate(double[] samples) {
    Estimate mean = Estimate.mean(samples);
    if (this != PERPLEXITY) {
      return mean;
    }
    double perplexity = Math.exp(-mean.value());
    return new Estimate(perplexity, perplexity * mean.standardError());
  }
}
