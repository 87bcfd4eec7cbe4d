package dev.mamba4j.compress.hub;

import java.time.Duration;

/**
 * How long to wait for a server and how often to try again.
 *
 * @param connectTimeout longest wait for a connection
 * @param readTimeout longest silence on a connection, before the answer and within it
 * @param tries tries in a row that may fail; a megabyte of new data starts the count anew
 * @param firstPause pause after the first failure; it doubles with each further one
 * @param longestPause bound of every pause; a server that asks for a longer one ends the pull
 */
public record RetryPolicy(
    Duration connectTimeout,
    Duration readTimeout,
    int tries,
    Duration firstPause,
    Duration longestPause) {

  /** Gives up after about half a minute in which nothing works. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(
          Duration.ofSeconds(15),
          Duration.ofSeconds(30),
          6,
          Duration.ofSeconds(1),
          Duration.ofMinutes(2));

  /** Checks that there is at least one try and that the times are positive. */
  public RetryPolicy {
    if (tries < 1 || !connectTimeout.isPositive() || !readTimeout.isPositive()) {
      throw new IllegalArgumentException("tries and timeouts must be positive");
    }
    if (firstPause.isNegative() || longestPause.compareTo(firstPause) < 0) {
      throw new IllegalArgumentException("pauses must not be negative nor exceed the longest");
    }
  }

  /** The pause after so many failures in a row, at least one. */
  Duration pause(int failures) {
    Duration pause = firstPause.multipliedBy(1L << Math.min(failures - 1, 20));
    return pause.compareTo(longestPause) < 0 ? pause : longestPause;
  }
}
