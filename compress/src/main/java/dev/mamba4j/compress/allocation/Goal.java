package dev.mamba4j.compress.allocation;

import java.util.Locale;

/** What a plan has to keep to. */
public sealed interface Goal {
  /** What it says, for people. */
  String text();

  /**
   * The best that fits.
   *
   * @param bytes of the whole file
   * @param text what the user calls it
   */
  record FileSize(long bytes, String text) implements Goal {}

  /**
   * The best that fits.
   *
   * @param bits average size of a value, float32 parameters included, the file's header not
   */
  record BitsPerWeight(double bits) implements Goal {
    @Override
    public String text() {
      return "at most " + bits + " bits per weight";
    }
  }

  /**
   * The smallest with at most this mean Kullback-Leibler divergence.
   *
   * @param nats measured on the text given
   */
  record MaxDivergence(double nats) implements Goal {
    @Override
    public String text() {
      return "divergence of at most " + nats;
    }
  }

  /**
   * The smallest that raises perplexity by no more.
   *
   * @param percent measured on the text given
   */
  record MaxPerplexityIncrease(double percent) implements Goal {
    @Override
    public String text() {
      return String.format(Locale.ROOT, "perplexity at most %s %% higher", percent);
    }
  }
}
