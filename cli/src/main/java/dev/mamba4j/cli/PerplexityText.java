package dev.mamba4j.cli;

import dev.mamba4j.evaluate.Distribution;
import dev.mamba4j.evaluate.Estimate;
import dev.mamba4j.evaluate.KlDivergence;
import dev.mamba4j.evaluate.Perplexity;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Perplexity and divergence in the lines of llama-perplexity, and as JSON. */
final class PerplexityText {
  static final String HEADING =
      "chunk             PPL               ln(PPL(Q)/PPL(base))          KL Divergence"
          + "              Δp RMS            Same top p\n";

  private static final double[] PERCENTILES = {99.9, 99, 95, 90, 50, 10, 5, 1, 0.1};
  private static final double[] CHANGE_PERCENTILES = {99.9, 99, 95, 90, 75, 50, 25, 10, 5, 1, 0.1};

  private PerplexityText() {}

  static String lastLine(Perplexity perplexity) {
    return text("Final estimate: PPL = %.4f +/- %.5f\n", estimate(perplexity));
  }

  /** A line of the table of windows. */
  static String row(int window, KlDivergence soFar) {
    return text("%4s    %9.4f ± %9.4f", Integer.toString(window), estimate(soFar.perplexity()))
        + text("    %10.5f ± %10.5f", soFar.logRatio())
        + text("    %10.5f ± %10.5f", soFar.mean())
        + text("    %6.3f ± %6.3f %%", percent(soFar.rmsChange()))
        + text("    %6.3f ± %6.3f %%\n", percent(soFar.sameTop()));
  }

  /** What follows the table. */
  static String statistics(KlDivergence figures) {
    StringBuilder all = new StringBuilder("====== Perplexity statistics ======\n");
    String form = "%-30s: %10.6f ± %10.6f\n";
    all.append(text(form, "Mean PPL(Q)", estimate(figures.perplexity())));
    all.append(text(form, "Mean PPL(base)", estimate(figures.base())));
    all.append(text("Cor(ln(PPL(Q)), ln(PPL(base))): %6.2f%%\n", 100 * figures.correlation()));
    all.append(text(form, "Mean ln(PPL(Q)/PPL(base))", figures.logRatio()));
    all.append(text(form, "Mean PPL(Q)/PPL(base)", figures.ratio()));
    all.append(text(form, "Mean PPL(Q)-PPL(base)", figures.difference()));

    all.append("\n====== KL divergence statistics ======\n");
    all.append(text("Mean    KLD: %10.6f ± %10.6f\n", figures.mean()));
    Distribution divergences = figures.divergences();
    all.append(text("Maximum KLD: %10.6f\n", divergences.maximum()));
    for (double percent : PERCENTILES) {
      all.append(text("%-6s  KLD: %10.6f\n", label(percent), divergences.percentile(percent)));
    }
    all.append(text("Minimum KLD: %10.6f\n", divergences.minimum()));

    all.append("\n====== Token probability statistics ======\n");
    all.append(text("Mean    Δp: %6.3f ± %5.3f %%\n", percent(figures.meanChange())));
    Distribution changes = figures.changes();
    all.append(text("Maximum Δp: %6.3f%%\n", 100 * changes.maximum()));
    for (double percent : CHANGE_PERCENTILES) {
      all.append(text("%-6s  Δp: %6.3f%%\n", label(percent), 100 * changes.percentile(percent)));
    }
    all.append(text("Minimum Δp: %6.3f%%\n", 100 * changes.minimum()));
    all.append(text("RMS Δp    : %6.3f ± %5.3f %%\n", percent(figures.rmsChange())));
    all.append(text("Same top p: %6.3f ± %5.3f %%\n", percent(figures.sameTop())));
    return all.toString();
  }

  private static String label(double percent) {
    return percent == 50 ? "Median" : text("%4.1f%%", percent);
  }

  private static Estimate estimate(Perplexity perplexity) {
    return new Estimate(perplexity.value(), perplexity.standardError());
  }

  private static Estimate percent(Estimate share) {
    return new Estimate(100 * share.value(), 100 * share.standardError());
  }

  private static String text(String form, double value) {
    return String.format(Locale.ROOT, form, value);
  }

  private static String text(String form, Estimate estimate) {
    return String.format(Locale.ROOT, form, estimate.value(), estimate.standardError());
  }

  private static String text(String form, String name, double value) {
    return String.format(Locale.ROOT, form, name, value);
  }

  private static String text(String form, String name, Estimate estimate) {
    return String.format(Locale.ROOT, form, name, estimate.value(), estimate.standardError());
  }

  static Map<String, Object> json(Perplexity perplexity) {
    Map<String, Object> figures = new LinkedHashMap<>();
    put(figures, "ppl", estimate(perplexity));
    figures.put("tokens", perplexity.tokens());
    return figures;
  }

  /** Divergences in nats; shares and changes of probability are of 1, not of 100. */
  static Map<String, Object> json(KlDivergence all) {
    Map<String, Object> figures = json(all.perplexity());
    put(figures, "ppl_base", estimate(all.base()));
    figures.put("cor_ln_ppl", all.correlation());
    put(figures, "ln_ppl_ratio", all.logRatio());
    put(figures, "ppl_ratio", all.ratio());
    put(figures, "ppl_difference", all.difference());
    put(figures, "mean_kld", all.mean());
    put(figures, "kld", all.divergences(), PERCENTILES);
    put(figures, "mean_dp", all.meanChange());
    put(figures, "rms_dp", all.rmsChange());
    put(figures, "dp", all.changes(), CHANGE_PERCENTILES);
    put(figures, "same_top", all.sameTop());
    return figures;
  }

  private static void put(Map<String, Object> figures, String name, Estimate estimate) {
    figures.put(name, estimate.value());
    figures.put(name + "_stderr", estimate.standardError());
  }

  /** {@code p999_kld} is the 99.9 th percentile, {@code p05_kld} the fifth. */
  private static void put(
      Map<String, Object> figures, String name, Distribution samples, double[] percentiles) {
    figures.put("max_" + name, samples.maximum());
    for (double percent : percentiles) {
      String digits = text("%04.1f", percent).replace(".", "").replaceFirst("^(..)0$", "$1");
      String label = percent == 50 ? "median_" : "p" + digits + "_";
      figures.put(label + name, samples.percentile(percent));
    }
    figures.put("min_" + name, samples.minimum());
  }
}
