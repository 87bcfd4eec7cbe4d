package dev.mamba4j.cli;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.evaluate.DecodeBound;
import dev.mamba4j.evaluate.EnergyPerToken;
import dev.mamba4j.evaluate.PartTime;
import dev.mamba4j.evaluate.Roofline;
import dev.mamba4j.evaluate.Speed;
import dev.mamba4j.evaluate.StepWork;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.tensor.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What {@code bench} found out.
 *
 * @param rows each test with each number of threads; all else is of the first
 * @param parts of a step; empty if decoding was not asked for
 * @param roofline likewise
 * @param energy of decoding, if the machine counts it
 * @param peak bytes of memory, if the system tells
 */
record BenchResult(
    Path file,
    LanguageModel model,
    List<Row> rows,
    List<PartTime> parts,
    DecodeBound bound,
    Optional<Roofline> roofline,
    Optional<EnergyPerToken> energy,
    OptionalLong peak) {

  /** A test and how many threads ran it. */
  record Row(int threads, Speed speed) {}

  /** For programs. */
  String json() {
    List<Map<String, Object>> tests = new ArrayList<>();
    for (Row row : rows) {
      Speed speed = row.speed;
      Map<String, Object> test = new LinkedHashMap<>();
      test.put("test", speed.test());
      test.put("threads", row.threads);
      test.put("tokens_per_second", speed.tokensPerSecond());
      test.put("stddev", speed.deviation());
      tests.add(test);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("model", file.toString());
    all.put("kernels", model.kernels().name());
    all.put("threads", model.threads());
    all.put("tests", tests);
    all.put("parts", parts.stream().map(this::json).toList());
    all.put("bandwidth_gb_s", bound.bytesPerSecond() / 1e9);
    all.put("bytes_per_token", bound.bytesPerToken());
    all.put("bound_tokens_per_second", bound.tokensPerSecond());
    all.put("efficiency", efficiency());
    all.put("roofline", roofline.map(BenchResult::json).orElse(null));
    all.put("energy", energy.map(BenchResult::json).orElse(null));
    all.put("peak_rss_mib", peak.isPresent() ? peak.getAsLong() / 1048576.0 : null);
    return Json.write(all);
  }

  private Map<String, Object> json(PartTime part) {
    StepWork work = part.work();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("part", part.part());
    fields.put("ms", 1e3 * part.seconds());
    fields.put("bytes", work.bytes());
    fields.put("operations", work.operations());
    fields.put("gb_s", part.bytesPerSecond() / 1e9);
    fields.put("gop_s", part.operationsPerSecond() / 1e9);
    roofline.ifPresent(
        roof -> {
          fields.put("memory_ms", 1e3 * roof.memorySeconds(work));
          fields.put("arithmetic_ms", 1e3 * roof.arithmeticSeconds(work));
          fields.put("share", roof.boundSeconds(work) / part.seconds());
        });
    return fields;
  }

  private static Map<String, Object> json(Roofline roof) {
    StepWork token = roof.token();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("operations_per_token", token.operations());
    fields.put("decode_gop_s", billions(roof.decodeProducts()));
    fields.put("prefill_gop_s", billions(roof.prefillProducts()));
    fields.put("scan_gop_s", roof.scan() / 1e9);
    fields.put("memory_tokens_per_second", 1 / roof.memorySeconds(token));
    fields.put("arithmetic_tokens_per_second", 1 / roof.arithmeticSeconds(token));
    fields.put("decode_tokens_per_second", roof.decodeTokensPerSecond());
    fields.put("prefill_tokens_per_second", roof.prefillTokensPerSecond());
    return fields;
  }

  private static Map<String, Object> billions(Map<TensorType, Double> rates) {
    Map<String, Object> fields = new LinkedHashMap<>();
    rates.forEach((type, rate) -> fields.put(type.name(), rate / 1e9));
    return fields;
  }

  private static Map<String, Object> json(EnergyPerToken energy) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("joules_per_token", energy.joules());
    fields.put("source", energy.source());
    return fields;
  }

  /** Share of the bound that decoding reached; null if it was not measured. */
  private Double efficiency() {
    return rows.stream()
        .map(Row::speed)
        .filter(speed -> speed.test().startsWith("tg"))
        .map(speed -> speed.tokensPerSecond() / bound.tokensPerSecond())
        .findFirst()
        .orElse(null);
  }

  /** For people. */
  String text() {
    TextTable table = new TextTable("model", ">size", "kernels", ">threads", "test", ">tokens/s");
    for (Row row : rows) {
      Speed speed = row.speed;
      table.row(
          file.getFileName().toString(),
          Figures.bytes(model.file().size()),
          model.kernels().name(),
          Integer.toString(row.threads),
          speed.test(),
          String.format(Locale.ROOT, "%.2f ± %.2f", speed.tokensPerSecond(), speed.deviation()));
    }
    Double efficiency = efficiency();
    return table
        + roofline.map(roof -> "\n" + partTable(roof) + arithmetic(roof)).orElse("")
        + "\nread bandwidth %s/s, %s a token: at most %s%s%s%s\n"
            .formatted(
                Figures.bytes(Math.round(bound.bytesPerSecond())),
                Figures.bytes(bound.bytesPerToken()),
                Figures.rate(bound.tokensPerSecond(), "tokens"),
                efficiency == null ? "" : ", reached " + Math.round(100 * efficiency) + " %",
                peak.isEmpty() ? "" : "; peak memory " + Figures.bytes(peak.getAsLong()),
                energy.map(BenchResult::text).orElse(""));
  }

  private TextTable partTable(Roofline roof) {
    TextTable table =
        new TextTable(
            "part of a step",
            ">ms",
            ">GB/s",
            ">Gop/s",
            ">ms by memory",
            ">by arithmetic",
            ">share of the bound");
    for (PartTime part : parts) {
      StepWork work = part.work();
      table.row(
          part.part(),
          milliseconds(part.seconds()),
          Figures.number(part.bytesPerSecond() / 1e9),
          Figures.number(part.operationsPerSecond() / 1e9),
          milliseconds(roof.memorySeconds(work)),
          milliseconds(roof.arithmeticSeconds(work)),
          Math.round(100 * roof.boundSeconds(work) / part.seconds()) + " %");
    }
    return table;
  }

  private static String milliseconds(double seconds) {
    return String.format(Locale.ROOT, "%.3f", 1e3 * seconds);
  }

  private static String arithmetic(Roofline roof) {
    StringBuilder text = new StringBuilder("\n");
    roof.decodeProducts()
        .forEach(
            (type, rate) ->
                text.append(
                    "products with %s from the caches: %s Gop/s with one vector, %s in prefill\n"
                        .formatted(
                            type,
                            Figures.number(rate / 1e9),
                            Figures.number(roof.prefillProducts().get(type) / 1e9))));
    StepWork token = roof.token();
    return text.append(
            "scan from the caches: %s Gop/s; %s Gop a token: by arithmetic at most %s, in prefill %s\n"
                .formatted(
                    Figures.number(roof.scan() / 1e9),
                    Figures.number(token.operations() / 1e9),
                    Figures.rate(1 / roof.arithmeticSeconds(token), "tokens"),
                    Figures.rate(roof.prefillTokensPerSecond(), "tokens")))
        .toString();
  }

  private static String text(EnergyPerToken energy) {
    return "; %s J a token (%s)".formatted(Figures.number(energy.joules()), energy.source());
  }
}
