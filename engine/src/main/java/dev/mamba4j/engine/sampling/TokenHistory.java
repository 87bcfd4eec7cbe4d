package dev.mamba4j.engine.sampling;

import java.util.Arrays;

/** How often each token occurred among the latest ones. */
final class TokenHistory {
  private final int window;
  // The latest tokens, a ring once it has grown to the window. Unused for the whole text.
  private int[] recent = new int[64];
  private int length;
  private int oldest;
  private int[] counts = new int[0];

  /**
   * @param window how many tokens count, or {@link SamplingOptions#WHOLE_TEXT}
   */
  TokenHistory(int window) {
    this.window = window;
  }

  void add(int token) {
    if (window == 0) {
      return;
    }
    if (token >= counts.length) {
      counts = Arrays.copyOf(counts, Math.max(token + 1, 2 * counts.length));
    }
    if (window != SamplingOptions.WHOLE_TEXT) {
      push(token);
    }
    counts[token]++;
  }

  private void push(int token) {
    if (length < window) {
      if (length == recent.length) {
        recent = Arrays.copyOf(recent, (int) Math.min(window, 2L * length));
      }
      recent[length++] = token;
      return;
    }
    counts[recent[oldest]]--;
    recent[oldest] = token;
    oldest = oldest + 1 == window ? 0 : oldest + 1;
  }

  /** Occurrences by token id; ids beyond its end did not occur. */
  int[] counts() {
    return counts;
  }
}
