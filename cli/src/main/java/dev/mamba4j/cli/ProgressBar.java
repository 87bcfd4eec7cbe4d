package dev.mamba4j.cli;

import java.util.function.DoubleFunction;

/**
 * One line on standard error that shows how far long work is, its rate and the time that is left.
 * Only on a terminal; it is gone when the work ends.
 */
final class ProgressBar implements AutoCloseable {
  private static final int CELLS = 20;
  private static final int WIDTH = 78;
  private static final long PAUSE_NANOS = 100_000_000;
  private static final long WARM_UP_NANOS = 300_000_000;
  private static final String CLEAR = "\r\033[K";

  private final Console console;
  private final DoubleFunction<String> rate;
  private long startNanos;
  private long startDone = -1;
  private long shownNanos;
  private boolean visible;

  /**
   * @param rate the text of a rate per second
   */
  ProgressBar(Console console, DoubleFunction<String> rate) {
    this.console = console;
    this.rate = rate;
  }

  /** A bar for work counted in bytes. */
  static ProgressBar ofBytes(Console console) {
    return new ProgressBar(console, perSecond -> Figures.bytes((long) perSecond) + "/s");
  }

  /**
   * Shows the bar, not more often than an eye can follow.
   *
   * @param what is worked on
   */
  void update(String what, long done, long total) {
    if (!console.showsProgress()) {
      return;
    }
    long now = System.nanoTime();
    if (startDone < 0 || done < startDone) {
      startDone = done;
      startNanos = now;
      shownNanos = now;
    }
    if (now - shownNanos >= PAUSE_NANOS) {
      shownNanos = now;
      visible = true;
      console.err().print(CLEAR + line(what, done, total, now));
      console.err().flush();
    }
  }

  private String line(String what, long done, long total, long now) {
    double share = total > 0 ? Math.min(1, (double) done / total) : 0;
    int full = (int) (share * CELLS);
    StringBuilder line = new StringBuilder();
    line.append('[').append("#".repeat(full)).append(" ".repeat(CELLS - full)).append(']');
    line.append("%4d %%".formatted((int) (share * 100)));
    long elapsed = now - startNanos;
    if (elapsed > WARM_UP_NANOS && done > startDone) {
      double perSecond = (done - startDone) * 1e9 / elapsed;
      line.append("  ").append(rate.apply(perSecond));
      line.append("  ")
          .append(Figures.wholeSeconds((long) Math.ceil((total - done) / perSecond)))
          .append(" left");
    }
    line.append("  ").append(ErrorMessages.oneLine(what));
    return line.length() <= WIDTH ? line.toString() : line.substring(0, WIDTH - 1) + "…";
  }

  /** Takes the line away, for something else to be written. */
  void clear() {
    if (visible) {
      visible = false;
      console.err().print(CLEAR);
      console.err().flush();
    }
  }

  @Override
  public void close() {
    clear();
  }
}
