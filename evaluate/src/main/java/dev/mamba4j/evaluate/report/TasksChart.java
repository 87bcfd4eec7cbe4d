package dev.mamba4j.evaluate.report;

import java.util.ArrayList;
import java.util.List;

/** The accuracy of each model in each task, with its standard error. */
final class TasksChart {
  private static final double LEFT = 10;
  private static final double HEADING = 20;
  private static final double STEP = 13;
  private static final double DOT = 4;

  private TasksChart() {}

  /**
   * The chart.
   *
   * @param tasks names of those that have an accuracy in all models
   */
  static Markup of(String description, List<Series> all, List<String> tasks) {
    List<Double> extent = new ArrayList<>();
    for (Series series : all) {
      for (String task : tasks) {
        double value = accuracy(series, task).number();
        double error = error(series, task);
        extent.add(100 * Math.max(0, value - error));
        extent.add(100 * Math.min(1, value + error));
      }
    }
    Axis axis = Axis.around("accuracy, %", extent);
    double row = HEADING + STEP * all.size() + 6;
    Plot plot = new Plot(description, LEFT, row * tasks.size()).horizontal(axis);
    double y = Plot.TOP;
    for (String task : tasks) {
      plot.add(Plot.text("group", LEFT, y + 12, task));
      double at = y + HEADING + 3;
      for (Series series : all) {
        Entry accuracy = accuracy(series, task);
        double error = error(series, task);
        double x = plot.x(axis, 100 * accuracy.number());
        double from = plot.x(axis, 100 * (accuracy.number() - error));
        double to = plot.x(axis, 100 * (accuracy.number() + error));
        plot.add(Plot.line("error " + series.colour(), from, at, to, at));
        plot.add(
            accuracy.mark(
                Markup.of("circle", "dot " + series.colour())
                    .with("cx", x)
                    .with("cy", at)
                    .with("r", DOT)
                    .add(Markup.of("title").text(series.name()))));
        at += STEP;
      }
      y += row;
    }
    return plot.svg();
  }

  static Entry accuracy(Series series, String task) {
    return series.entry().get("tasks").get(task).get("acc");
  }

  private static double error(Series series, String task) {
    Entry error = series.entry().get("tasks").get(task).get("acc_stderr");
    return error.isNumber() ? error.number() : 0;
  }

  /** The names of the models beside their colours, in the order of the dots. */
  static Markup legend(List<Series> all) {
    Markup legend = Markup.of("p", "legend");
    for (Series series : all) {
      legend.add(
          Markup.of("span").add(Markup.of("i", "fill " + series.colour())).text(series.name()));
    }
    return legend;
  }
}
