package dev.mamba4j.cli;

import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What was published of Mamba2-2.7b in symmetric INT8 with llama.cpp on an Orange Pi 5 Ultra, and
 * whether a report keeps up with it.
 */
final class PublishedFigures {
  static final String TYPE = "Q8_0";
  static final List<String> TASKS = List.of("arc_easy", "hellaswag", "lambada_openai", "piqa");

  /** Speed and memory of a smaller model say nothing of the published ones. */
  private static final double WEIGHTS = 2.6e9;

  private static final double TOKENS_PER_SECOND = 5.4;
  private static final double PEAK_BYTES = 2.87e9;
  private static final double ACCURACY_LOST = 0.03;

  private PublishedFigures() {}

  /**
   * A figure beside ours.
   *
   * @param claim what it says
   * @param unit name of the report's unit for both numbers
   * @param measured null if it is not known
   * @param met null likewise, or if the two do not compare
   * @param remark what is to be known of ours; may be empty
   */
  record Claim(
      String claim, String unit, double published, Double measured, Boolean met, String remark) {
    Map<String, Object> json() {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("claim", claim);
      fields.put("unit", unit);
      fields.put("published", published);
      fields.put("measured", measured);
      fields.put("met", met);
      fields.put("remark", remark.isEmpty() ? null : remark);
      return fields;
    }

    private String verdict() {
      return met == null ? "not compared" : met ? "met" : "missed";
    }

    private String number(double value) {
      return switch (unit) {
        case "BYTES" -> Figures.bytes(Math.round(value));
        case "PERCENT" -> String.format(Locale.ROOT, "%.1f %%", 100 * value);
        default -> Figures.rate(value, "tokens");
      };
    }
  }

  /**
   * Compares.
   *
   * @param document a report whose first model is the one without loss
   */
  static List<Claim> compare(Map<String, Object> document) throws IOException {
    JsonObject report = JsonObject.of("report", document);
    JsonObject base = JsonObject.of("report: base", report.list("models").getFirst());
    JsonObject compressed = null;
    for (Object each : report.list("models")) {
      JsonObject model = JsonObject.of("report: model", each);
      if (model.string("type").equals(TYPE) && compressed == null) {
        compressed = model;
      }
    }
    if (compressed == null) {
      throw new IllegalStateException("no model in " + TYPE);
    }
    List<Claim> claims = new ArrayList<>();
    double speed = compressed.object("speed").object("decode").number("tokens_per_second", 0);
    claims.add(
        new Claim(
            "decodes as fast",
            "TOKENS_PER_SECOND",
            TOKENS_PER_SECOND,
            speed,
            isComparable(compressed) ? speed >= TOKENS_PER_SECOND : null,
            remark(compressed, "the published speed is that of the board")));
    claims.add(memory(compressed));
    for (String task : TASKS) {
      claims.add(accuracy(task, base, compressed));
    }
    return claims;
  }

  private static Claim memory(JsonObject model) throws IOException {
    String claim = "needs no more memory";
    if (!model.has("memory")) {
      return new Claim(claim, "BYTES", PEAK_BYTES, null, null, "");
    }
    double peak = model.object("memory").number("peak_bytes", 0);
    return new Claim(
        claim,
        "BYTES",
        PEAK_BYTES,
        peak,
        isComparable(model) ? peak <= PEAK_BYTES : null,
        remark(model, "peak resident memory, the mapped file included"));
  }

  private static boolean isComparable(JsonObject model) throws IOException {
    return model.integer("weights") >= WEIGHTS;
  }

  private static String remark(JsonObject model, String comparable) throws IOException {
    return isComparable(model)
        ? comparable
        : "no comparison: this model has %d weights, the published one 2.7 billion"
            .formatted(model.integer("weights"));
  }

  private static Claim accuracy(String task, JsonObject base, JsonObject model) throws IOException {
    String claim = "loses less of its accuracy in " + task;
    if (!hasTask(base, task) || !hasTask(model, task)) {
      return new Claim(claim, "PERCENT", ACCURACY_LOST, null, null, "");
    }
    JsonObject before = base.object("tasks").object(task);
    JsonObject after = model.object("tasks").object(task);
    double whole = before.number("acc", 0);
    double lost = whole > 0 ? (whole - after.number("acc", 0)) / whole : 0;
    return new Claim(
        claim,
        "PERCENT",
        ACCURACY_LOST,
        lost,
        lost < ACCURACY_LOST,
        String.format(
            Locale.ROOT,
            "%.4f before, %.4f after, each ± %.4f, %d questions",
            whole,
            after.number("acc", 0),
            before.number("acc_stderr", 0),
            after.integer("questions")));
  }

  private static boolean hasTask(JsonObject model, String task) throws IOException {
    return model.has("tasks") && model.object("tasks").has(task);
  }

  /** For people. */
  static String table(List<Claim> claims) {
    TextTable table = new TextTable("published", "of " + TYPE, ">published", ">here", "remark");
    for (Claim claim : claims) {
      table.row(
          claim.verdict(),
          claim.claim(),
          claim.number(claim.published()),
          claim.measured() == null ? "–" : claim.number(claim.measured()),
          claim.remark());
    }
    return table.toString();
  }
}
