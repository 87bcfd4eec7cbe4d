package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.kernels.Vectors;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * A text as {@code llama-perplexity} reads it: cut into windows, each read from an empty state. The
 * tokens after the first half of a window are scored, so that each has some context.
 */
final class TextWindows {
  /** Shorter ones have nothing to score. */
  private static final int SHORTEST = 4;

  private final int[] tokens;
  private final int length;
  private final OptionalInt begin;

  /**
   * @param tokens those of the windows, one behind the other
   * @param length tokens of a window
   * @param begin stands in for the first token of each window when it is read
   */
  private TextWindows(int[] tokens, int length, OptionalInt begin) {
    this.tokens = tokens;
    this.length = length;
    this.begin = begin;
  }

  /**
   * Cuts a text.
   *
   * @throws IllegalArgumentException if the window is too short, or the text does not fill one
   */
  static TextWindows of(Tokenizer tokenizer, String text, int length, int most) {
    if (length < SHORTEST) {
      throw new IllegalArgumentException(
          "a window must have %d tokens or more, not %d".formatted(SHORTEST, length));
    }
    int[] tokens = tokenizer.encodeDocument(text, false);
    int windows = Math.min(most, tokens.length / length);
    if (windows < 1) {
      throw new IllegalArgumentException(
          "the text has %d tokens, a window takes %d; give a longer text or a smaller window"
              .formatted(tokens.length, length));
    }
    return of(tokenizer, Arrays.copyOf(tokens, windows * length), length);
  }

  /** Windows of tokens that are known. */
  static TextWindows of(Tokenizer tokenizer, int[] tokens, int length) {
    return new TextWindows(
        tokens, length, tokenizer.addsBos() ? tokenizer.bos() : OptionalInt.empty());
  }

  /** Number of windows. */
  int count() {
    return tokens.length / length;
  }

  /** Tokens of a window. */
  int length() {
    return length;
  }

  /** All tokens as the text has them. */
  int[] tokens() {
    return tokens;
  }

  /** How many tokens of a window are scored. */
  int scored() {
    return scored(length);
  }

  static int scored(int length) {
    return length - 1 - length / 2;
  }

  /** Takes the logits of a window. */
  @FunctionalInterface
  interface Listener {
    /**
     * Called for each window in turn.
     *
     * @param window number of the window, from 0
     * @param targets the scored tokens
     * @param logits those from which each target is predicted: (targets, vocabulary); valid during
     *     the call
     */
    void window(int window, int[] targets, float[][] logits) throws IOException;
  }

  /**
   * Has a model read all windows.
   *
   * @throws InterruptedIOException if the thread is interrupted
   */
  void read(LanguageModel model, Listener listener) throws IOException {
    float[][] logits = new float[scored()][model.mamba2().config().vocabulary()];
    try (Mamba2State state = model.mamba2().newState()) {
      for (int i = 0; i < count(); i++) {
        state.reset();
        int end = (i + 1) * length;
        int[] targets = Arrays.copyOfRange(tokens, end - scored(), end);
        if (!model.mamba2().prefill(state, context(i), new Rows(logits, length / 2))) {
          throw new InterruptedIOException("interrupted");
        }
        listener.window(i, targets, logits);
      }
    }
  }

  /** What is read of a window: all but the last token, which is only scored. */
  int[] context(int window) {
    int[] context = Arrays.copyOfRange(tokens, window * length, (window + 1) * length - 1);
    begin.ifPresent(token -> context[0] = token);
    return context;
  }

  /** Keeps the logits at the last positions. */
  private static final class Rows implements PrefillListener {
    private final float[][] logits;
    private final int first;

    Rows(float[][] logits, int first) {
      this.logits = logits;
      this.first = first;
    }

    @Override
    public boolean progress(int done, int total) {
      return !Thread.currentThread().isInterrupted();
    }

    @Override
    public int firstLogits(int total) {
      return first;
    }

    @Override
    public void logits(int position, Vectors all, int row) {
      all.read(row, logits[position - first]);
    }
  }
}
