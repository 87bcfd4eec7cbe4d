package dev.mamba4j.compress.hub;

import java.time.Duration;
import java.util.function.BiConsumer;

/** Counts the failures of one task and pauses between its tries. */
final class Attempts {
  private final RetryPolicy policy;
  private final String advice;
  private final BiConsumer<String, Duration> onPause;
  private int failures;

  /**
   * @param advice what the last error tells the user to do
   * @param onPause hears the reason and the length of every pause
   */
  Attempts(RetryPolicy policy, String advice, BiConsumer<String, Duration> onPause) {
    this.policy = policy;
    this.advice = advice;
    this.onPause = onPause;
  }

  /** Forgets earlier failures, since something was achieved. */
  void progressed() {
    failures = 0;
  }

  /** Waits until the next try is due, or gives up. */
  void pauseAfter(TransientException failure) throws HubException, InterruptedException {
    failures++;
    Duration pause = failure.retryAfter().orElse(policy.pause(failures));
    if (pause.compareTo(policy.longestPause()) > 0) {
      throw new HubException(
          failure.getMessage() + "; it asks to wait " + pause.toSeconds() + " s; " + advice,
          failure);
    }
    if (failures >= policy.tries()) {
      throw new HubException(
          failure.getMessage() + "; gave up after " + failures + " tries; " + advice, failure);
    }
    onPause.accept(failure.getMessage(), pause);
    Thread.sleep(pause);
  }
}
