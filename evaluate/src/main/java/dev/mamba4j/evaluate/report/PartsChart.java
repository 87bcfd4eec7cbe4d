package dev.mamba4j.evaluate.report;

import java.util.List;

/** Where the time of a token goes: the parts of a step one behind the other, a bar a model. */
final class PartsChart {
  private static final double ROW = 40;
  private static final double BAR = 16;
  private static final double LEFT = 10;
  private static final double SMALLEST_NAMED = 44;

  private PartsChart() {}

  /**
   * The chart.
   *
   * @param all models whose parts are known
   */
  static Markup of(String description, List<Series> all) {
    Axis axis =
        Axis.fromZero("milliseconds per token", all.stream().map(PartsChart::total).toList());
    Plot plot = new Plot(description, LEFT, ROW * all.size()).horizontal(axis);
    double y = Plot.TOP;
    for (Series series : all) {
      plot.add(Plot.text("label " + series.colour(), LEFT, y + 13, series.name()));
      double before = 0;
      for (Entry part : parts(series)) {
        double from = plot.x(axis, before);
        before += part.get("ms").number();
        double to = plot.x(axis, before);
        String name = part.get("part").text();
        Markup bar = Plot.bar("part " + name, from, y + 18, to - from, BAR);
        plot.add(part.get("ms").mark(bar).add(Markup.of("title").text(name)));
        if (to - from >= SMALLEST_NAMED) {
          plot.add(Plot.text("inside middle", (from + to) / 2, y + 30, name));
        }
      }
      y += ROW;
    }
    return plot.svg();
  }

  private static double total(Series series) {
    return parts(series).stream().mapToDouble(part -> part.get("ms").number()).sum();
  }

  private static List<Entry> parts(Series series) {
    return series.entry().get("speed").get("parts").items();
  }

  /** The names of the parts beside their colours. */
  static Markup legend(Series any) {
    Markup legend = Markup.of("p", "legend");
    for (Entry part : parts(any)) {
      String name = part.get("part").text();
      legend.add(Markup.of("span").add(Markup.of("i", "part " + name)).text(name));
    }
    return legend;
  }
}
