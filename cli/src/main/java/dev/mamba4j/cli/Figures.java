package dev.mamba4j.cli;

import dev.mamba4j.compress.hub.ByteCount;
import java.util.Locale;

/** Numbers as people read them. */
final class Figures {
  private static final int MINUTE = 60;
  private static final int HOUR = 60 * MINUTE;

  private Figures() {}

  /** For instance {@code 2.9 GB}, in powers of 1000. */
  static String bytes(long count) {
    return ByteCount.text(count);
  }

  /** For instance {@code 12.3 tokens/s}; four digits are enough. */
  static String rate(double perSecond, String what) {
    return number(perSecond) + " " + what + "/s";
  }

  /** Three digits or more. */
  static String number(double value) {
    double size = Math.abs(value);
    String form = size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f";
    return String.format(Locale.ROOT, form, value);
  }

  /** For instance {@code 0.42 s} or {@code 2 min 5 s}. */
  static String seconds(double seconds) {
    long whole = Math.round(seconds);
    return whole < MINUTE ? number(seconds) + " s" : wholeSeconds(whole);
  }

  /** For instance {@code 42 s} or {@code 2 min 5 s}. */
  static String wholeSeconds(long whole) {
    if (whole < MINUTE) {
      return whole + " s";
    }
    return whole < HOUR
        ? whole / MINUTE + " min " + whole % MINUTE + " s"
        : whole / HOUR + " h " + whole % HOUR / MINUTE + " min";
  }
}
