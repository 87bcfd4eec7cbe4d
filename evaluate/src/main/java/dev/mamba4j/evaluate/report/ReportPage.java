package dev.mamba4j.evaluate.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The report as a page: one file that needs neither a network nor scripts. It is made of the
 * report's JSON and nothing else, and each number says where in there it stands: {@code data-path}
 * is a JSON pointer, {@code data-value} the number as it is there.
 *
 * <p>What is looked for in the JSON:
 *
 * <pre>
 * title, command, date, version, notes: [text]
 * machine: cpu, cores, memory_bytes, system, java, kernels, threads
 * settings: text, text_windows, window, questions, prompt, decoded_tokens, prompt_tokens, repeats
 * published: [{claim, published, measured, unit, met, remark}]
 * models: [{name, file, file_bytes, bits_per_weight, goal, base,
 *   quality: perplexity --json, and ppl_increase, ppl_increase_stderr
 *   tasks: {NAME: {acc, acc_stderr, …}}, mean_accuracy, mean_accuracy_stderr
 *   speed: bench --json, and decode, prefill, share_of_bound, prefill_share_of_bound
 *   memory: {peak_bytes}, start: {seconds}, sample: {prompt, text}
 *   matrices: [{name, type, bits, nats}]}]
 * </pre>
 *
 * What is missing is left out of the page.
 */
public final class ReportPage {
  private static final String POLICY =
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

  private final Entry report;
  private final List<Series> models = new ArrayList<>();
  private final List<String> tasks;

  private ReportPage(Map<String, Object> document) {
    report = Entry.root(document);
    TreeSet<String> names = new TreeSet<>();
    for (Entry model : report.get("models").items()) {
      models.add(new Series(model.get("name").text(), models.size(), model));
      for (String task : model.get("tasks").names()) {
        if (model.get("tasks").get(task).get("acc").isNumber()) {
          names.add(task);
        }
      }
    }
    tasks = List.copyOf(names);
  }

  /**
   * The text of the page.
   *
   * @param document the report's JSON as {@link dev.mamba4j.formats.json.Json} reads it
   */
  public static String of(Map<String, Object> document) {
    return "<!doctype html>\n" + new ReportPage(document).page() + "\n";
  }

  private Markup page() {
    String title = report.get("title").text();
    Markup head =
        Markup.of("head")
            .add(Markup.of("meta").with("charset", "utf-8"))
            .add(
                Markup.of("meta")
                    .with("http-equiv", "Content-Security-Policy")
                    .with("content", POLICY))
            .add(
                Markup.of("meta")
                    .with("name", "viewport")
                    .with("content", "width=device-width, initial-scale=1"))
            .add(Markup.of("meta").with("name", "color-scheme").with("content", "light dark"))
            .add(Markup.of("link").with("rel", "icon").with("href", "data:,"))
            .add(Markup.of("title").text(title))
            .add(Markup.style(css()));
    Markup main = Markup.of("main").add(header(title));
    published(main);
    main.add(section("Size and quality").add(SummaryTable.quality(models, tasks)));
    if (models.stream().anyMatch(series -> series.entry().get("speed").exists())) {
      main.add(section("Speed and memory").add(SummaryTable.speed(models)));
    }
    List<Markup> charts = Charts.of(models, tasks);
    if (!charts.isEmpty()) {
      main.add(section("Charts").add(Markup.of("div", "charts").add(charts)));
    }
    samples(main);
    parts(main);
    main.add(method());
    return Markup.of("html").with("lang", "en").add(head).add(Markup.of("body").add(main));
  }

  private static String css() {
    try (InputStream in = ReportPage.class.getResourceAsStream("report.css")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Markup section(String title) {
    return Markup.of("section").add(Markup.of("h2").text(title));
  }

  private Markup header(String title) {
    Entry machine = report.get("machine");
    Markup facts = Markup.of("p", "machine");
    facts.add(Markup.of("b").text(machine.get("cpu").text()));
    if (machine.get("cores").isNumber()) {
      facts.text(", ").add(machine.get("cores").show(Unit.COUNT)).text(" cores");
    }
    if (machine.get("memory_bytes").isNumber()) {
      facts.text(", ").add(machine.get("memory_bytes").show(Unit.BYTES)).text(" of memory");
    }
    facts.text(". Kernels: " + machine.get("kernels").text());
    if (machine.get("threads").isNumber()) {
      facts.text(", ").add(machine.get("threads").show(Unit.COUNT)).text(" threads");
    }
    facts.text(". ").add(Markup.of("span", "name").text(machine.get("system").text()));
    facts.text(". ").add(Markup.of("span", "name").text(report.get("date").text())).text(".");
    return Markup.of("header")
        .add(Markup.of("h1").text(title))
        .add(facts)
        .add(Markup.of("pre", "command").add(Markup.of("code").text(report.get("command").text())));
  }

  private void published(Markup main) {
    List<Entry> claims = report.get("published").items();
    if (claims.isEmpty()) {
      return;
    }
    Markup list = Markup.of("ul", "claims");
    for (Entry claim : claims) {
      boolean known = claim.get("met").exists();
      boolean met = Boolean.TRUE.equals(claim.get("met").value());
      Unit unit = Unit.valueOf(claim.get("unit").text());
      Markup item = Markup.of("li", known ? met ? "met" : "missed" : "unknown");
      item.add(Markup.of("b").text(known ? met ? "met" : "missed" : "not compared"));
      item.add(Markup.of("span").text(claim.get("claim").text()));
      Markup figures = Markup.of("span", "figures");
      if (claim.get("measured").isNumber()) {
        figures.add(claim.get("measured").show(unit)).text(" here, ");
      }
      figures.add(claim.get("published").show(unit)).text(" published");
      item.add(figures);
      if (claim.get("remark").exists()) {
        item.add(Markup.of("small", "name").text(claim.get("remark").text()));
      }
      list.add(item);
    }
    main.add(section("Published figures").add(list));
  }

  private void samples(Markup main) {
    Markup cards = Markup.of("div", "samples");
    boolean any = false;
    for (Series series : models) {
      Entry sample = series.entry().get("sample");
      if (sample.get("text").exists()) {
        any = true;
        cards.add(
            Markup.of("article")
                .add(
                    Markup.of("h3")
                        .add(Markup.of("i", "fill " + series.colour()))
                        .text(series.name()))
                .add(
                    Markup.of("p", "name")
                        .add(Markup.of("em").text(sample.get("prompt").text()))
                        .text(sample.get("text").text())));
      }
    }
    if (any) {
      main.add(
          section("Text")
              .add(
                  Markup.of("p", "lead")
                      .text("The same prompt for all, always the most probable token next."))
              .add(cards));
    }
  }

  private void parts(Markup main) {
    List<Series> known =
        models.stream()
            .filter(series -> !series.entry().get("speed").get("parts").items().isEmpty())
            .toList();
    if (!known.isEmpty()) {
      main.add(section("Parts of a step").add(known.stream().map(PartsTable::of).toList()));
    }
  }

  private Markup method() {
    Markup notes = Markup.of("ul", "method");
    for (Entry note : report.get("notes").items()) {
      notes.add(Markup.of("li", "name").text(note.text()));
    }
    return section("How this was measured")
        .add(notes)
        .add(
            Markup.of("p", "fine name")
                .text(
                    "mamba4j "
                        + report.get("version").text()
                        + ", Java "
                        + report.get("machine").get("java").text()));
  }
}
