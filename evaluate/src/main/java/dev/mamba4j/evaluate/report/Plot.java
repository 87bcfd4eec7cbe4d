package dev.mamba4j.evaluate.report;

import java.util.List;

/**
 * The drawing of a chart: the place for its marks, between axes. One unit is a pixel on a phone
 * that is 390 wide; on a larger screen charts stand side by side and are hardly larger.
 */
final class Plot {
  static final double WIDTH = 400;
  static final double TOP = 12;
  private static final double RIGHT = 18;
  private static final double BELOW = 42;
  private static final double TICK_GAP = 7;
  private static final double BASELINE = 3.8; // from the middle of a line of text

  private final Markup svg;
  private final double left;
  private final double bottom;

  /**
   * An empty drawing.
   *
   * @param description for those who cannot see it
   * @param left room for what stands beside the vertical axis
   * @param height of the place for marks
   */
  Plot(String description, double left, double height) {
    this.left = left;
    bottom = TOP + height;
    svg =
        Markup.of("svg")
            .with("viewBox", "0 0 %.0f %.0f".formatted(WIDTH, bottom + BELOW))
            .with("role", "img")
            .with("aria-label", description);
  }

  /** Where the place for marks begins. */
  double left() {
    return left;
  }

  /** Where it ends. */
  double right() {
    return WIDTH - RIGHT;
  }

  /** Where it ends below. */
  double bottom() {
    return bottom;
  }

  double x(Axis axis, double value) {
    return left + axis.at(value) * (right() - left);
  }

  double y(Axis axis, double value) {
    return bottom - axis.at(value) * (bottom - TOP);
  }

  /** Draws a horizontal axis with its ticks and lines up from them. */
  Plot horizontal(Axis axis) {
    for (double tick : axis.ticks()) {
      double x = x(axis, tick);
      add(line("grid", x, TOP, x, bottom));
      add(text("tick middle", x, bottom + 15, axis.label(tick)));
    }
    add(line("axis", left, bottom, right(), bottom));
    return add(text("title middle", (left + right()) / 2, bottom + 34, axis.title()));
  }

  /** Draws a vertical axis with its ticks and lines across from them. */
  Plot vertical(Axis axis) {
    for (double tick : axis.ticks()) {
      double y = y(axis, tick);
      add(line("grid", left, y, right(), y));
      add(text("tick end", left - TICK_GAP, y + BASELINE, axis.label(tick)));
    }
    double middle = (TOP + bottom) / 2;
    return add(
        text("title middle", 0, 0, axis.title())
            .with("transform", "translate(12 %.0f) rotate(-90)".formatted(middle)));
  }

  /** Adds a mark. */
  Plot add(Markup mark) {
    svg.add(mark);
    return this;
  }

  /** Adds marks. */
  Plot add(List<Markup> marks) {
    svg.add(marks);
    return this;
  }

  /** The drawing. */
  Markup svg() {
    return svg;
  }

  static Markup line(String className, double x1, double y1, double x2, double y2) {
    return Markup.of("line", className).with("x1", x1).with("y1", y1).with("x2", x2).with("y2", y2);
  }

  static Markup bar(String className, double x, double y, double width, double height) {
    return Markup.of("rect", className)
        .with("x", x)
        .with("y", y)
        .with("width", Math.max(0, width))
        .with("height", height);
  }

  static Markup text(String className, double x, double y, String text) {
    return Markup.of("text", className).with("x", x).with("y", y).text(text);
  }
}
