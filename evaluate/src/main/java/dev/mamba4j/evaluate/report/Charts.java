package dev.mamba4j.evaluate.report;

import dev.mamba4j.evaluate.report.ScatterChart.Quantity;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The charts of a report: those for which there are figures. */
final class Charts {
  private static final double GIGA = 1e9;
  private static final double MEGA = 1e6;

  private static final Quantity INCREASE =
      new Quantity(
          model -> model.get("quality").get("ppl_increase"),
          model -> model.get("quality").get("ppl_increase_stderr"),
          100);

  private final List<Series> all;
  private final List<String> tasks;
  private final List<Markup> figures = new ArrayList<>();

  private Charts(List<Series> all, List<String> tasks) {
    this.all = all;
    this.tasks = tasks;
  }

  /** All of them, each in a figure with its caption. */
  static List<Markup> of(List<Series> all, List<String> tasks) {
    Charts charts = new Charts(all, tasks);
    charts.accuracyAgainstSpeed();
    charts.boundAgainstMeasured();
    charts.divergenceAgainstSize();
    charts.perplexityAgainstSize();
    charts.tasks();
    charts.parts();
    charts.prefill();
    charts.plan();
    return charts.figures;
  }

  private List<Series> those(Predicate<Series> test) {
    return all.stream().filter(test).toList();
  }

  private void add(String title, String caption, Markup drawing, Optional<Markup> legend) {
    Markup figure = Markup.of("figure").add(Markup.of("h3").text(title)).add(drawing);
    legend.ifPresent(figure::add);
    figures.add(figure.add(Markup.of("figcaption").text(caption)));
  }

  private void accuracyAgainstSpeed() {
    Quantity speed =
        Quantity.of(model -> model.get("speed").get("decode").get("tokens_per_second"), 1);
    Quantity accuracy =
        new Quantity(
            model -> model.get("mean_accuracy"), model -> model.get("mean_accuracy_stderr"), 100);
    List<Series> both = those(series -> speed.isIn(series) && accuracy.isIn(series));
    if (!both.isEmpty()) {
      add(
          "Accuracy against speed",
          "Mean accuracy of the tasks with its standard error, over decoded tokens per second. Up"
              + " and to the right is better.",
          ScatterChart.of(
              "Mean accuracy over decoding speed, a point a model",
              both,
              Axis.around("decode, tokens per second", speed.extent(both)),
              speed,
              Axis.around("mean accuracy, %", accuracy.extent(both)),
              accuracy),
          Optional.empty());
      return;
    }
    List<Series> others = those(series -> speed.isIn(series) && INCREASE.isIn(series));
    if (!others.isEmpty()) {
      add(
          "Perplexity against speed",
          "By how much perplexity is above the base's, over decoded tokens per second. Down and to"
              + " the right is better.",
          ScatterChart.of(
              "Perplexity above the base over decoding speed, a point a model",
              others,
              Axis.around("decode, tokens per second", speed.extent(others)),
              speed,
              Axis.around("perplexity above base, %", INCREASE.extent(others)),
              INCREASE),
          Optional.empty());
    }
  }

  private void boundAgainstMeasured() {
    BoundChart.Figures decode =
        bound("decode, tokens per second", "decode", "decode_tokens_per_second", "share_of_bound");
    List<Series> known = those(series -> decode.bound(series).isNumber());
    if (!known.isEmpty()) {
      add(
          "Bound against measured",
          "Filled: decoding as measured. Outlined: what the slower of memory and arithmetic allows,"
              + " both measured here. A model that fits the caches may pass the bound of memory.",
          BoundChart.of("Decoding speed and its bound, a bar a model", known, decode),
          Optional.empty());
    }
  }

  private void prefill() {
    BoundChart.Figures prefill =
        bound(
            "prefill, tokens per second",
            "prefill",
            "prefill_tokens_per_second",
            "prefill_share_of_bound");
    List<Series> known =
        those(series -> prefill.bound(series).isNumber() && prefill.measured(series).isNumber());
    if (!known.isEmpty()) {
      add(
          "Prefill",
          "Filled: reading a prompt as measured. Outlined: what arithmetic allows, with all data in"
              + " the caches.",
          BoundChart.of("Prefill speed and its bound, a bar a model", known, prefill),
          Optional.empty());
    }
  }

  private static BoundChart.Figures bound(String title, String test, String bound, String share) {
    return new BoundChart.Figures() {
      @Override
      public String title() {
        return title;
      }

      @Override
      public Entry measured(Series series) {
        return series.entry().get("speed").get(test).get("tokens_per_second");
      }

      @Override
      public Entry bound(Series series) {
        return series.entry().get("speed").get("roofline").get(bound);
      }

      @Override
      public Entry share(Series series) {
        return series.entry().get("speed").get(share);
      }
    };
  }

  /** Sizes in the unit that suits the largest. */
  private record Size(Quantity quantity, String title) {}

  private Size size() {
    double most =
        all.stream()
            .mapToDouble(series -> series.entry().get("file_bytes").number())
            .max()
            .orElse(0);
    double unit = most >= GIGA ? GIGA : MEGA;
    return new Size(
        Quantity.of(model -> model.get("file_bytes"), 1 / unit),
        "file size, " + (unit == GIGA ? "GB" : "MB"));
  }

  private void divergenceAgainstSize() {
    Quantity divergence = Quantity.of(model -> model.get("quality").get("mean_kld"), 1);
    List<Series> known = those(series -> divergence.isIn(series) && divergence.at(series) > 0);
    if (!known.isEmpty()) {
      Size size = size();
      add(
          "Divergence against size",
          "Mean Kullback-Leibler divergence from the base, logarithmic. Down and to the left is"
              + " better.",
          ScatterChart.of(
              "Divergence from the base over file size, a point a model",
              known,
              Axis.around(size.title(), size.quantity().extent(known)),
              size.quantity(),
              Axis.logarithmic("KL divergence, nats", divergence.extent(known)),
              divergence),
          Optional.empty());
    }
  }

  private void perplexityAgainstSize() {
    List<Series> known = those(INCREASE::isIn);
    if (!known.isEmpty()) {
      Size size = size();
      add(
          "Perplexity against size",
          "By how much perplexity is above the base's, with the standard error of that ratio.",
          ScatterChart.of(
              "Perplexity above the base over file size, a point a model",
              known,
              Axis.around(size.title(), size.quantity().extent(known)),
              size.quantity(),
              Axis.around("perplexity above base, %", INCREASE.extent(known)),
              INCREASE),
          Optional.empty());
    }
  }

  private void tasks() {
    List<Series> known =
        those(
            series ->
                tasks.stream().allMatch(task -> TasksChart.accuracy(series, task).isNumber()));
    if (!tasks.isEmpty() && !known.isEmpty()) {
      add(
          "Tasks",
          "Accuracy with its standard error in each task.",
          TasksChart.of("Accuracy by task, a dot a model", known, tasks),
          Optional.of(TasksChart.legend(known)));
    }
  }

  private void parts() {
    List<Series> known =
        those(series -> !series.entry().get("speed").get("parts").items().isEmpty());
    if (!known.isEmpty()) {
      add(
          "Where the time of a token goes",
          "The parts of a step in decoding, all layers together.",
          PartsChart.of("Time of the parts of a step, a bar a model", known),
          Optional.of(PartsChart.legend(known.getFirst())));
    }
  }

  private void plan() {
    List<Series> known = those(series -> !series.entry().get("matrices").items().isEmpty());
    if (!known.isEmpty()) {
      boolean costs =
          known.stream()
              .flatMap(series -> series.entry().get("matrices").items().stream())
              .anyMatch(matrix -> matrix.get("nats").isNumber());
      add(
          "Plan",
          "The type of every matrix: input and output projection of each layer, and at the right"
              + " the embedding, and the head where it has one of its own."
              + (costs
                  ? " Bars: what the choice costs, in nats of divergence, as the search for the"
                      + " plan measured it; each model has a scale of its own."
                  : ""),
          PlanChart.of("Types of the matrices, a strip a model", known),
          Optional.of(PlanChart.legend(known)));
    }
  }
}
