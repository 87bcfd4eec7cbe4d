package dev.mamba4j.compress.calibration;

import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.Arrays;

/**
 * A text cut into windows of tokens, each of which a model reads from an empty state; what is left
 * at the end is not read. The windows are those of llama.cpp's {@code llama-imatrix}.
 *
 * @param name of the text, for the record
 * @param tokens of the text, at least a window
 * @param window tokens of a window
 * @param windows how many there are
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record CalibrationText(String name, int[] tokens, int window, int windows) {
  /** The window of llama-imatrix, in tokens. */
  public static final int DEFAULT_WINDOW = 512;

  /** The smallest window that says something of a text. */
  public static final int SMALLEST_WINDOW = 16;

  /**
   * Cuts a text.
   *
   * @param maxWindows how many windows at most, from the start of the text
   * @throws IllegalArgumentException if the text does not fill a window
   */
  public static CalibrationText of(
      String name, String text, Tokenizer tokenizer, int window, int maxWindows) {
    if (window < SMALLEST_WINDOW || maxWindows < 1) {
      throw new IllegalArgumentException(
          "a window must have %d tokens or more, and there must be one or more, not %d of %d"
              .formatted(SMALLEST_WINDOW, maxWindows, window));
    }
    int[] tokens = tokenizer.encodeDocument(text, false);
    int windows = Math.min(maxWindows, tokens.length / window);
    if (windows < 1) {
      throw new IllegalArgumentException(
          "%s: the text has %d tokens, a window takes %d; give a longer text or a smaller window"
              .formatted(name, tokens.length, window));
    }
    return new CalibrationText(name, tokens, window, windows);
  }

  /** The tokens of a window: (window). */
  public int[] window(int index) {
    return Arrays.copyOfRange(tokens, index * window, (index + 1) * window);
  }

  /** Tokens in so many windows. */
  public long tokens(int count) {
    return (long) count * window;
  }

  /** Reports the reading of a window as a part of the whole; the head gets its inputs too. */
  public PrefillListener listener(int index, Calibration.Progress progress) {
    return new PrefillListener() {
      @Override
      public boolean progress(int done, int total) {
        return progress.report(tokens(index) + done, tokens(windows));
      }

      @Override
      public int firstLogits(int total) {
        return 0;
      }
    };
  }

  /** Some of the windows: the first and each so many after it. */
  public CalibrationText every(int first, int step) {
    int count = (windows - first + step - 1) / step;
    int[] some = new int[count * window];
    for (int i = 0; i < count; i++) {
      System.arraycopy(tokens, (first + i * step) * window, some, i * window, window);
    }
    return new CalibrationText(name, some, window, count);
  }

  /** The same text, fewer windows: {@code count} of them, evenly spread, or all there are. */
  public CalibrationText spread(int count) {
    if (count >= windows) {
      return this;
    }
    int[] some = new int[count * window];
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) i * windows / count) * window;
      System.arraycopy(tokens, from, some, i * window, window);
    }
    return new CalibrationText(name, some, window, count);
  }
}
