package dev.mamba4j.evaluate.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A scale of a chart.
 *
 * @param title what is measured, with its unit
 * @param low value at its beginning
 * @param high value at its end
 * @param logarithmic whether equal ratios are equally far apart
 * @param ticks values that are written at it, between low and high, growing
 */
record Axis(String title, double low, double high, boolean logarithmic, List<Double> ticks) {
  private static final int INTERVALS = 5;

  /** Two labels each, at least, before a step of the scale is left out. */
  private static final double TWO_DECADES = 100;

  /** An axis that begins at 0. */
  static Axis fromZero(String title, List<Double> values) {
    double most = values.stream().mapToDouble(x -> x).max().orElse(1);
    return linear(title, 0, most > 0 ? most : 1);
  }

  /** An axis around the values, with some room beside them. */
  static Axis around(String title, List<Double> values) {
    double least = values.stream().mapToDouble(x -> x).min().orElse(0);
    double most = values.stream().mapToDouble(x -> x).max().orElse(1);
    double room = most > least ? 0.08 * (most - least) : Math.max(0.1 * Math.abs(most), 1e-3);
    double low = least >= 0 ? Math.max(0, least - room) : least - room; // nothing below 0 for sizes
    return linear(title, low, most + room);
  }

  /** An axis whose ends are whole steps of 1, 2 or 5 times a power of ten. */
  private static Axis linear(String title, double least, double most) {
    double step = step((most - least) / INTERVALS);
    long first = (long) Math.floor(least / step + 1e-9);
    long last = (long) Math.ceil(most / step - 1e-9);
    List<Double> ticks = new ArrayList<>();
    for (long i = first; i <= last; i++) {
      ticks.add(rounded(i * step));
    }
    return new Axis(title, ticks.getFirst(), ticks.getLast(), false, List.copyOf(ticks));
  }

  /** An axis of ratios; the values are above 0. */
  static Axis logarithmic(String title, List<Double> values) {
    double least = values.stream().mapToDouble(x -> x).min().orElse(1);
    double most = values.stream().mapToDouble(x -> x).max().orElse(10);
    List<Double> steps = new ArrayList<>();
    for (int power = exponent(least) - 1; power <= exponent(most) + 1; power++) {
      for (int factor : new int[] {1, 2, 5}) {
        steps.add(rounded(factor * Math.pow(10, power)));
      }
    }
    double low = steps.stream().filter(x -> x <= least * 0.98).reduce((a, b) -> b).orElseThrow();
    double high = steps.stream().filter(x -> x >= most * 1.02).findFirst().orElseThrow();
    boolean all = high / low <= TWO_DECADES;
    List<Double> ticks =
        steps.stream().filter(x -> x >= low && x <= high && (all || isPower(x))).toList();
    return new Axis(title, low, high, true, ticks);
  }

  private static int exponent(double value) {
    return (int) Math.floor(Math.log10(value));
  }

  private static boolean isPower(double value) {
    double power = Math.log10(value);
    return Math.abs(power - Math.rint(power)) < 1e-6;
  }

  /** The smallest of 1, 2, 5, 10 times a power of ten that is not less. */
  private static double step(double least) {
    double power = Math.pow(10, exponent(least));
    for (int factor : new int[] {1, 2, 5}) {
      if (factor * power >= least * (1 - 1e-9)) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  /** Takes away what binary fractions add. */
  private static double rounded(double value) {
    return Double.parseDouble(String.format(Locale.ROOT, "%.9g", value));
  }

  /** Where a value lies, 0 at the beginning and 1 at the end. */
  double at(double value) {
    return logarithmic
        ? Math.log(value / low) / Math.log(high / low)
        : (value - low) / (high - low);
  }

  /** A tick as people read it: no more digits than the ticks need to differ. */
  String label(double tick) {
    if (logarithmic) {
      return tick < 1e-4
          ? String.format(Locale.ROOT, "%.0e", tick).replace("e-0", "e-")
          : plain(tick, Math.max(0, -exponent(tick * (1 + 1e-9))));
    }
    double step = ticks.size() > 1 ? ticks.get(1) - ticks.get(0) : 1;
    return plain(tick, Math.max(0, -exponent(step * (1 + 1e-9))));
  }

  private static String plain(double value, int decimals) {
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
