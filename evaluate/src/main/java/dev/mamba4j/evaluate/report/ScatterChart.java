package dev.mamba4j.evaluate.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** One quantity against another, a point a model, with its name beside it. */
final class ScatterChart {
  private static final double LEFT = 64;
  private static final double HEIGHT = 226;
  private static final double DOT = 5;
  private static final double CAP = 3;

  /**
   * A quantity of a model.
   *
   * @param figure in the JSON
   * @param error its standard error there; may be absent
   * @param scale what an axis multiplies it by
   */
  record Quantity(Function<Entry, Entry> figure, Function<Entry, Entry> error, double scale) {
    /** A quantity without error. */
    static Quantity of(Function<Entry, Entry> figure, double scale) {
      return new Quantity(figure, _ -> new Entry("", null), scale);
    }

    boolean isIn(Series series) {
      return figure.apply(series.entry()).isNumber();
    }

    double at(Series series) {
      return scale * figure.apply(series.entry()).number();
    }

    double error(Series series) {
      Entry entry = error.apply(series.entry());
      return entry.isNumber() ? scale * entry.number() : 0;
    }

    /** All values, and the ends of their errors. */
    List<Double> extent(List<Series> all) {
      List<Double> values = new ArrayList<>();
      for (Series series : all) {
        values.add(at(series) - error(series));
        values.add(at(series) + error(series));
      }
      return values;
    }
  }

  private ScatterChart() {}

  /** The chart; all series have both quantities. */
  static Markup of(
      String description, List<Series> all, Axis xAxis, Quantity x, Axis yAxis, Quantity y) {
    Plot plot = new Plot(description, LEFT, HEIGHT).vertical(yAxis).horizontal(xAxis);
    Labels labels = new Labels(plot);
    for (Series series : all) {
      labels.point(plot.x(xAxis, x.at(series)), plot.y(yAxis, y.at(series)));
    }
    for (Series series : all) {
      double left = plot.x(xAxis, x.at(series));
      double top = plot.y(yAxis, y.at(series));
      if (y.error(series) > 0 && !yAxis.logarithmic()) {
        plot.add(errorBar(series, plot, yAxis, y, left));
      }
      Markup dot =
          Markup.of("circle", "dot " + series.colour())
              .with("cx", left)
              .with("cy", top)
              .with("r", DOT);
      x.figure.apply(series.entry()).mark(dot, "x-");
      plot.add(y.figure.apply(series.entry()).mark(dot, "y-"));
      Labels.Place place = labels.place(left, top, series.name());
      plot.add(Plot.text("label " + series.colour(), place.x(), place.y(), series.name()));
    }
    return plot.svg();
  }

  private static List<Markup> errorBar(Series series, Plot plot, Axis axis, Quantity y, double x) {
    double above = plot.y(axis, y.at(series) + y.error(series));
    double below = plot.y(axis, y.at(series) - y.error(series));
    String className = "error " + series.colour();
    return List.of(
        y.error.apply(series.entry()).mark(Plot.line(className, x, above, x, below)),
        Plot.line(className, x - CAP, above, x + CAP, above),
        Plot.line(className, x - CAP, below, x + CAP, below));
  }
}
