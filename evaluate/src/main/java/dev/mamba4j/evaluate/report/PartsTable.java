package dev.mamba4j.evaluate.report;

import java.util.List;

/** What each part of a step does, takes, and would take at the bound. */
final class PartsTable {
  private PartsTable() {}

  /** The table of a model, to be opened. */
  static Markup of(Series series) {
    Markup head = Markup.of("tr");
    for (String name :
        List.of("part", "time", "moves", "at", "computes", "by memory", "by arithmetic", "share")) {
      head.add(Markup.of("th").with("scope", "col").text(name));
    }
    Markup body = Markup.of("tbody");
    for (Entry part : series.entry().get("speed").get("parts").items()) {
      body.add(
          Markup.of("tr")
              .add(Markup.of("th").with("scope", "row").text(part.get("part").text()))
              .add(cell("time", part.get("ms"), Unit.MILLISECONDS))
              .add(cell("moves", part.get("bytes"), Unit.BYTES))
              .add(cell("at", part.get("gb_s"), Unit.GIGABYTES_PER_SECOND))
              .add(cell("computes", part.get("gop_s"), Unit.GIGAOPERATIONS_PER_SECOND))
              .add(cell("by memory", part.get("memory_ms"), Unit.MILLISECONDS))
              .add(cell("by arithmetic", part.get("arithmetic_ms"), Unit.MILLISECONDS))
              .add(cell("share", part.get("share"), Unit.PERCENT)));
    }
    Markup table = Markup.of("table", "summary").add(Markup.of("thead").add(head)).add(body);
    return Markup.of("details")
        .add(Markup.of("summary").text(series.name() + ": the parts of a step"))
        .add(Markup.of("div", "scroll").add(table))
        .add(peaks(series));
  }

  private static Markup cell(String label, Entry figure, Unit unit) {
    Markup cell = Markup.of("td").with("data-label", label);
    return figure.isNumber() ? cell.add(figure.show(unit)) : cell.text("–");
  }

  private static Markup peaks(Series series) {
    Entry speed = series.entry().get("speed");
    Entry roof = speed.get("roofline");
    Markup text = Markup.of("p", "fine");
    if (!roof.exists()) {
      return text;
    }
    text.text("Memory is read at ").add(gigabytes(speed.get("bandwidth_gb_s")));
    text.text(", the scan computes ").add(gigaoperations(roof.get("scan_gop_s")));
    for (String type : roof.get("decode_gop_s").names()) {
      text.text("; products with ").add(Markup.of("b").text(type)).text(" ");
      text.add(gigaoperations(roof.get("decode_gop_s").get(type)));
      text.text(" with one vector, ");
      text.add(gigaoperations(roof.get("prefill_gop_s").get(type))).text(" in prefill");
    }
    text.text(". That allows ");
    text.add(roof.get("memory_tokens_per_second").show(Unit.TOKENS_PER_SECOND));
    text.text(" by memory, ");
    text.add(roof.get("arithmetic_tokens_per_second").show(Unit.TOKENS_PER_SECOND));
    return text.text(" by arithmetic.");
  }

  private static Markup gigabytes(Entry figure) {
    return figure.show(Unit.GIGABYTES_PER_SECOND);
  }

  private static Markup gigaoperations(Entry figure) {
    return figure.show(Unit.GIGAOPERATIONS_PER_SECOND);
  }
}
