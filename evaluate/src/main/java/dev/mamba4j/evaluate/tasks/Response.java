package dev.mamba4j.evaluate.tasks;

/**
 * How probable a continuation is.
 *
 * @param logLikelihood sum of the natural logarithms of its tokens' probabilities
 * @param greedy whether each of its tokens is the most probable one at its place
 */
public record Response(double logLikelihood, boolean greedy) {}
