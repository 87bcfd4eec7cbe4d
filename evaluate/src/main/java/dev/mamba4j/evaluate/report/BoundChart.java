package dev.mamba4j.evaluate.report;

import java.util.ArrayList;
import java.util.List;

/** The measured speed of each model within the bound of the machine. */
final class BoundChart {
  private static final double ROW = 40;
  private static final double BAR = 14;
  private static final double LEFT = 10;

  private BoundChart() {}

  /**
   * The chart.
   *
   * @param all models with both figures
   */
  static Markup of(String description, List<Series> all, Figures figures) {
    List<Double> values = new ArrayList<>();
    for (Series series : all) {
      values.add(figures.measured(series).number());
      values.add(figures.bound(series).number());
    }
    Axis axis = Axis.fromZero(figures.title(), values);
    Plot plot = new Plot(description, LEFT, ROW * all.size()).horizontal(axis);
    double y = Plot.TOP;
    for (Series series : all) {
      Entry measured = figures.measured(series);
      Entry bound = figures.bound(series);
      double end = plot.x(axis, measured.number());
      double limit = plot.x(axis, bound.number());
      plot.add(Plot.text("label " + series.colour(), LEFT, y + 13, series.name()));
      plot.add(numbers(plot, y + 13, measured, bound, figures.share(series)));
      plot.add(bound.mark(Plot.bar("bound " + series.colour(), LEFT, y + 19, limit - LEFT, BAR)));
      plot.add(measured.mark(Plot.bar("fill " + series.colour(), LEFT, y + 19, end - LEFT, BAR)));
      plot.add(Plot.line("limit", limit, y + 17, limit, y + 21 + BAR));
      y += ROW;
    }
    return plot.svg();
  }

  /** What the chart shows. */
  interface Figures {
    /** What the axis says. */
    String title();

    /** What was reached. */
    Entry measured(Series series);

    /** What was possible. */
    Entry bound(Series series);

    /** The one over the other. */
    Entry share(Series series);
  }

  private static Markup numbers(Plot plot, double y, Entry measured, Entry bound, Entry share) {
    Markup text = Markup.of("text", "note end").with("x", plot.right()).with("y", y);
    text.add(measured.mark(Markup.of("tspan", "strong")).text(Unit.PLAIN.text(measured.number())));
    text.text(" of ");
    text.add(bound.mark(Markup.of("tspan")).text(Unit.TOKENS_PER_SECOND.text(bound.number())));
    if (share.isNumber()) {
      text.text(", ");
      text.add(share.mark(Markup.of("tspan")).text(Unit.PERCENT.text(share.number())));
    }
    return text;
  }
}
