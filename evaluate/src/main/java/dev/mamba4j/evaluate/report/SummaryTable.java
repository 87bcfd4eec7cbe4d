package dev.mamba4j.evaluate.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Figures of all models, a row a model; on a phone, a card a model. */
final class SummaryTable {
  /**
   * A kind of figure.
   *
   * @param error its standard error; null if it has none
   */
  private record Column(
      String heading, Unit unit, Function<Entry, Entry> figure, Function<Entry, Entry> error) {
    boolean isIn(Series series) {
      return figure.apply(series.entry()).isNumber();
    }
  }

  private final List<Column> columns = new ArrayList<>();

  private SummaryTable() {}

  /** What is left of the model in the files. */
  static Markup quality(List<Series> all, List<String> tasks) {
    SummaryTable table = new SummaryTable();
    table.add("size", Unit.BYTES, model -> model.get("file_bytes"));
    table.add("bits per weight", Unit.PLAIN, model -> model.get("bits_per_weight"));
    table.add(
        "perplexity",
        Unit.FINE,
        model -> quality(model, "ppl"),
        model -> quality(model, "ppl_stderr"));
    table.add("above the base", Unit.CHANGE, model -> quality(model, "ppl_increase"));
    table.add("KL divergence, nats", Unit.PLAIN, model -> quality(model, "mean_kld"));
    table.add("same top token", Unit.PERCENT, model -> quality(model, "same_top"));
    for (String task : tasks) {
      table.add(
          task,
          Unit.PERCENT,
          model -> model.get("tasks").get(task).get("acc"),
          model -> model.get("tasks").get(task).get("acc_stderr"));
    }
    return table.of(all);
  }

  /** What running them takes. */
  static Markup speed(List<Series> all) {
    SummaryTable table = new SummaryTable();
    table.add(
        "decode", Unit.TOKENS_PER_SECOND, model -> speed(model, "decode", "tokens_per_second"));
    table.add(
        "share of the bound", Unit.PERCENT, model -> model.get("speed").get("share_of_bound"));
    table.add(
        "prefill", Unit.TOKENS_PER_SECOND, model -> speed(model, "prefill", "tokens_per_second"));
    table.add("first token after", Unit.SECONDS, model -> model.get("start").get("seconds"));
    table.add("peak memory", Unit.BYTES, model -> model.get("memory").get("peak_bytes"));
    table.add("energy per token", Unit.JOULES, model -> speed(model, "energy", "joules_per_token"));
    return table.of(all);
  }

  private static Entry quality(Entry model, String name) {
    return model.get("quality").get(name);
  }

  private static Entry speed(Entry model, String test, String name) {
    return model.get("speed").get(test).get(name);
  }

  private void add(String heading, Unit unit, Function<Entry, Entry> figure) {
    add(heading, unit, figure, null);
  }

  private void add(
      String heading, Unit unit, Function<Entry, Entry> figure, Function<Entry, Entry> error) {
    columns.add(new Column(heading, unit, figure, error));
  }

  /** The table, without the figures that no model has. */
  private Markup of(List<Series> all) {
    List<Column> used =
        columns.stream().filter(column -> all.stream().anyMatch(column::isIn)).toList();
    Markup head = Markup.of("tr").add(heading("model"));
    used.forEach(column -> head.add(heading(column.heading())));
    Markup body = Markup.of("tbody");
    for (Series series : all) {
      Markup row = Markup.of("tr").add(name(series));
      used.forEach(column -> row.add(cell(column, series)));
      body.add(row);
    }
    Markup table = Markup.of("table", "summary").add(Markup.of("thead").add(head)).add(body);
    return Markup.of("div", "scroll").add(table);
  }

  private static Markup heading(String text) {
    return Markup.of("th").with("scope", "col").text(text);
  }

  private static Markup name(Series series) {
    return Markup.of("th")
        .with("scope", "row")
        .add(Markup.of("i", "fill " + series.colour()))
        .text(series.name());
  }

  private static Markup cell(Column column, Series series) {
    Markup cell = Markup.of("td").with("data-label", column.heading());
    if (!column.isIn(series)) {
      return cell.add(Markup.of("span", "none").text("–"));
    }
    cell.add(column.figure().apply(series.entry()).show(column.unit()));
    Entry error = column.error() == null ? null : column.error().apply(series.entry());
    if (error != null && error.isNumber()) {
      cell.add(Markup.of("small").text(" ± ").add(error.show(column.unit())));
    }
    return cell;
  }
}
