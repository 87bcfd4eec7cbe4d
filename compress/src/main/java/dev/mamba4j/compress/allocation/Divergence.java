package dev.mamba4j.compress.allocation;

/**
 * How far a changed model is from the original on a text.
 *
 * @param mean Kullback-Leibler divergence of the next token's distribution, in nats
 * @param logPerplexity how much more nats a token of the text takes; may be below 0
 */
public record Divergence(double mean, double logPerplexity) {
  /** By how many percent perplexity grows. */
  public double perplexityIncrease() {
    return 100 * Math.expm1(logPerplexity);
  }
}
