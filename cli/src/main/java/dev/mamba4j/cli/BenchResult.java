package dev.mamba4j.cli;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.evaluate.DecodeBound;
import dev.mamba4j.evaluate.PartTime;
import dev.mamba4j.evaluate.Speed;
import dev.mamba4j.formats.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What {@code bench} found out.
 *
 * @param parts of a step; empty if decoding was not asked for
 * @param peak bytes of memory, if the system tells
 */
record BenchResult(
    Path file,
    LanguageModel model,
    List<Speed> speeds,
    List<PartTime> parts,
    DecodeBound bound,
    OptionalLong peak) {

  /** For programs. */
  String json() {
    List<Map<String, Object>> tests = new ArrayList<>();
    for (Speed speed : speeds) {
      Map<String, Object> test = new LinkedHashMap<>();
      test.put("test", speed.test());
      test.put("tokens_per_second", speed.tokensPerSecond());
      test.put("stddev", speed.deviation());
      tests.add(test);
    }
    List<Map<String, Object>> times = new ArrayList<>();
    for (PartTime part : parts) {
      Map<String, Object> time = new LinkedHashMap<>();
      time.put("part", part.part());
      time.put("ms", 1e3 * part.seconds());
      time.put("gb_s", part.bytesPerSecond() / 1e9);
      times.add(time);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("model", file.toString());
    all.put("kernels", model.kernels().name());
    all.put("threads", model.threads());
    all.put("tests", tests);
    all.put("parts", times);
    all.put("bandwidth_gb_s", bound.bytesPerSecond() / 1e9);
    all.put("bound_tokens_per_second", bound.tokensPerSecond());
    all.put("efficiency", efficiency());
    all.put("peak_rss_mib", peak.isPresent() ? peak.getAsLong() / 1048576.0 : null);
    return Json.write(all);
  }

  /** Share of the bound that decoding reached; null if it was not measured. */
  private Double efficiency() {
    return speeds.stream()
        .filter(speed -> speed.test().startsWith("tg"))
        .map(speed -> speed.tokensPerSecond() / bound.tokensPerSecond())
        .findFirst()
        .orElse(null);
  }

  /** For people. */
  String text() {
    TextTable table = new TextTable("model", ">size", "kernels", ">threads", "test", ">tokens/s");
    for (Speed speed : speeds) {
      table.row(
          file.getFileName().toString(),
          Figures.bytes(model.file().size()),
          model.kernels().name(),
          Integer.toString(model.threads()),
          speed.test(),
          String.format(Locale.ROOT, "%.2f ± %.2f", speed.tokensPerSecond(), speed.deviation()));
    }
    Double efficiency = efficiency();
    return table
        + (parts.isEmpty() ? "" : "\n" + partTable())
        + "\nread bandwidth %s/s, %s a token: at most %s%s%s\n"
            .formatted(
                Figures.bytes(Math.round(bound.bytesPerSecond())),
                Figures.bytes(bound.bytesPerToken()),
                Figures.rate(bound.tokensPerSecond(), "tokens"),
                efficiency == null ? "" : ", reached " + Math.round(100 * efficiency) + " %",
                peak.isEmpty() ? "" : "; peak memory " + Figures.bytes(peak.getAsLong()));
  }

  private TextTable partTable() {
    TextTable table = new TextTable("part of a step", ">ms", ">GB/s");
    for (PartTime part : parts) {
      table.row(
          part.part(),
          String.format(Locale.ROOT, "%.2f", 1e3 * part.seconds()),
          String.format(Locale.ROOT, "%.1f", part.bytesPerSecond() / 1e9));
    }
    return table;
  }
}
