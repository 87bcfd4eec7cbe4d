package dev.mamba4j.evaluate.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The type of every matrix: a cell each, the layers from left to right, the embedding and the head
 * behind them. Where the file tells what a matrix costs, a bar stands over its cell.
 */
final class PlanChart {
  private static final double LEFT = 38;
  private static final double HEADING = 20;
  private static final double CELL = 15;
  private static final double BARS = 26;
  private static final double REST = 34;
  private static final String[] ROWS = {"ssm_in.weight", "ssm_out.weight"};
  private static final String[] NAMES = {"in", "out"};

  private final Plot plot;
  private final Axis axis;
  private final double cellWidth;

  private PlanChart(Plot plot, Axis axis, int layers) {
    this.plot = plot;
    this.axis = axis;
    cellWidth = (plot.right() - REST - LEFT) / layers;
  }

  /** The chart of all models; they have the same layers. */
  static Markup of(String description, List<Series> all) {
    int layers = layers(all.getFirst());
    double height = 0;
    for (Series series : all) {
      height += height(series);
    }
    List<Double> ticks = new ArrayList<>();
    int step = Math.max(1, (layers + 7) / 8);
    for (int layer = 0; layer < layers; layer += step) {
      ticks.add((double) layer);
    }
    Axis axis = new Axis("layer", 0, layers, false, ticks);
    Plot plot = new Plot(description, LEFT, height);
    PlanChart chart = new PlanChart(plot, axis, layers);
    double y = Plot.TOP;
    for (Series series : all) {
      chart.model(series, y);
      y += height(series);
    }
    for (double tick : ticks) {
      double x = chart.x(tick) + chart.cellWidth / 2;
      plot.add(Plot.text("tick middle", x, plot.bottom() + 13, axis.label(tick)));
    }
    plot.add(
        Plot.text("title middle", (LEFT + plot.right()) / 2, plot.bottom() + 32, axis.title()));
    return plot.svg();
  }

  private double x(double layer) {
    return LEFT + layer * cellWidth;
  }

  private static boolean hasCosts(Series series) {
    return matrices(series).values().stream().anyMatch(m -> m.get("nats").isNumber());
  }

  private static double height(Series series) {
    return HEADING + (hasCosts(series) ? 2 * BARS : 0) + 2 * CELL + 10;
  }

  private void model(Series series, double top) {
    Map<String, Entry> matrices = matrices(series);
    plot.add(Plot.text("label " + series.colour(), LEFT, top + 13, series.name()));
    boolean costs = hasCosts(series);
    double most =
        matrices.values().stream()
            .map(matrix -> matrix.get("nats"))
            .filter(Entry::isNumber)
            .mapToDouble(Entry::number)
            .max()
            .orElse(0);
    double y = top + HEADING;
    for (int row = 0; row < ROWS.length; row++) {
      y += costs ? BARS : 0;
      plot.add(Plot.text("tick end", LEFT - 6, y + 11, NAMES[row]));
      for (int layer = 0; layer < axis.high(); layer++) {
        Entry matrix = matrices.get("blk." + layer + "." + ROWS[row]);
        if (matrix != null) {
          cell(matrix, x(layer), y, cellWidth, most);
        }
      }
      y += CELL;
    }
    double x = plot.right() - REST + 8;
    for (String name : new String[] {"token_embd.weight", "output.weight"}) {
      Entry matrix = matrices.get(name);
      if (matrix != null) {
        cell(matrix, x, y - CELL, 12, most);
        x += 13;
      }
    }
  }

  private void cell(Entry matrix, double x, double y, double width, double most) {
    Markup cell =
        Plot.bar(colour(matrix), x + 0.5, y, width - 1, CELL - 1)
            .add(
                Markup.of("title")
                    .text(matrix.get("name").text() + ": " + matrix.get("type").text()));
    plot.add(matrix.get("bits").mark(cell));
    Entry nats = matrix.get("nats");
    if (nats.isNumber() && most > 0) {
      double height = (BARS - 4) * nats.number() / most;
      plot.add(nats.mark(Plot.bar("cost", x + 0.5, y - height - 1, width - 1, height)));
    }
  }

  /** The class of a number of bits. */
  private static String colour(Entry matrix) {
    return "b" + bucket(matrix.get("bits").number());
  }

  private static int bucket(double bits) {
    for (int most : new int[] {2, 3, 4, 5, 6, 8}) {
      if (bits < most + 1) {
        return most;
      }
    }
    return bits > 16 ? 32 : 16;
  }

  private static int layers(Series series) {
    return (int) matrices(series).keySet().stream().filter(name -> name.endsWith(ROWS[0])).count();
  }

  private static Map<String, Entry> matrices(Series series) {
    Map<String, Entry> matrices = new TreeMap<>();
    for (Entry tensor : series.entry().get("matrices").items()) {
      matrices.put(tensor.get("name").text(), tensor);
    }
    return matrices;
  }

  /** The types beside their colours, the largest first. */
  static Markup legend(List<Series> all) {
    Map<Double, Entry> types = new TreeMap<>();
    for (Series series : all) {
      matrices(series).values().forEach(m -> types.put(-m.get("bits").number(), m));
    }
    Markup legend = Markup.of("p", "legend");
    for (Entry matrix : types.values()) {
      Entry bits = matrix.get("bits");
      legend.add(
          Markup.of("span")
              .add(Markup.of("i", colour(matrix)))
              .add(Markup.of("b").text(matrix.get("type").text()))
              .text(" ")
              .add(bits.show(Unit.PLAIN))
              .text(" bits"));
    }
    return legend;
  }
}
