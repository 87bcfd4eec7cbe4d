package dev.mamba4j.evaluate.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** How numbers of a kind are written. */
enum Unit {
  /** Whole numbers. */
  COUNT,
  /** Bytes, as 4.07 MB. */
  BYTES,
  /** A bare number with three digits. */
  PLAIN,
  /** A bare number with five digits, for perplexity. */
  FINE,
  /** A share of 1, as 81.2 %. */
  PERCENT,
  /** A share of 1 with its sign, as +1.24 %. */
  CHANGE,
  /** As 0.42 s. */
  SECONDS,
  /** As 0.42 ms. */
  MILLISECONDS,
  /** Billions of bytes per second. */
  GIGABYTES_PER_SECOND,
  /** Billions of operations per second. */
  GIGAOPERATIONS_PER_SECOND,
  /** As 13.0 tok/s. */
  TOKENS_PER_SECOND,
  /** As 0.82 J. */
  JOULES;

  private static final String[] SIZES = {"B", "kB", "MB", "GB", "TB"};
  private static final int THOUSAND = 1000;
  private static final double SMALLEST_PLAIN = 1e-4;

  /** The number with its unit. */
  String text(double value) {
    return switch (this) {
      case COUNT -> String.format(Locale.ROOT, "%.0f", value);
      case BYTES -> bytes(value);
      case PLAIN -> digits(value, 3);
      case FINE -> digits(value, 5);
      case PERCENT -> String.format(Locale.ROOT, "%.1f %%", 100 * value);
      case CHANGE -> String.format(Locale.ROOT, "%+.2f %%", 100 * value);
      case SECONDS -> digits(value, 3) + " s";
      case MILLISECONDS -> digits(value, 3) + " ms";
      case GIGABYTES_PER_SECOND -> digits(value, 3) + " GB/s";
      case GIGAOPERATIONS_PER_SECOND -> digits(value, 3) + " Gop/s";
      case TOKENS_PER_SECOND -> digits(value, 3) + " tok/s";
      case JOULES -> digits(value, 3) + " J";
    };
  }

  private static String bytes(double value) {
    int size = 0;
    double scaled = value;
    while (scaled >= THOUSAND - 0.5 && size < SIZES.length - 1) {
      scaled /= THOUSAND;
      size++;
    }
    return (size == 0 ? COUNT.text(scaled) : digits(scaled, 3)) + " " + SIZES[size];
  }

  /** At least so many digits that count; very small numbers with an exponent. */
  private static String digits(double value, int count) {
    double magnitude = Math.abs(value);
    if (magnitude == 0 || !Double.isFinite(value)) {
      return String.format(Locale.ROOT, "%.0f", value);
    }
    if (magnitude < SMALLEST_PLAIN) {
      return String.format(Locale.ROOT, "%." + (count - 1) + "e", value).replace("e-0", "e-");
    }
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(count));
    int before = rounded.precision() - rounded.scale(); // digits before the point; may be below 0
    int decimals = Math.max(0, count - before);
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
