package dev.mamba4j.cli;

import dev.mamba4j.evaluate.Perplexity;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Measures a model by the commands of this program, each in a process of its own, so that memory
 * and the time to the first token are those of a fresh start. What is known already is not measured
 * again.
 */
final class ModelMeasurements {
  static final int PROMPT_TOKENS = 512;
  static final int DECODED_TOKENS = 128;
  static final int STARTS = 3;
  private static final double MIB = 1 << 20;
  private static final String FILTER = ",none"; // what lm-eval's layout adds to metrics

  private final Console console;
  private final ReportOptions options;
  private final StepLog log;
  private final Path folder;
  private final Child child;
  private final String machine;

  /**
   * @param folder for the log and for files that are gone when the report is done
   * @param machine speeds of another one are measured again
   */
  ModelMeasurements(Console console, ReportOptions options, Path folder, String machine)
      throws IOException {
    this.console = console;
    this.options = options;
    this.folder = folder;
    this.machine = machine;
    log = StepLog.open(folder.resolve("steps.jsonl"));
    child = new Child(console);
  }

  private Path baseFile() {
    return folder.resolve("base.kld");
  }

  /** Removes what only measuring needs. */
  void finish() throws IOException {
    Files.deleteIfExists(baseFile());
  }

  /**
   * All that is to be known of a model.
   *
   * @param base what it is compared with; itself if it is the base
   */
  Map<String, Object> measure(ModelFacts model, ModelFacts base) throws IOException {
    Map<String, Object> all = new LinkedHashMap<>(model.json());
    all.put("base", isBase(model, base));
    if (options.text().isPresent()) {
      all.put("quality", quality(model, base, options.text().get()));
    }
    if (options.data().isPresent() && !options.tasks().isEmpty()) {
      tasks(model, options.data().get(), all);
    }
    all.put("speed", speed(model));
    all.put("start", start(model));
    JsonObject text = text(model);
    Map<String, Object> sample = new LinkedHashMap<>();
    sample.put("prompt", options.prompt());
    sample.put("text", text.string("text"));
    sample.put("tokens", text.integer("generated_tokens"));
    all.put("sample", sample);
    if (text.has("peak_rss_mib")) {
      all.put("memory", Map.of("peak_bytes", Math.round(text.number("peak_rss_mib", 0) * MIB)));
    }
    return all;
  }

  private static boolean isBase(ModelFacts model, ModelFacts base) {
    return model.file().equals(base.file());
  }

  private JsonObject step(ModelFacts model, List<String> what, StepLog.Step todo)
      throws IOException {
    List<String> key = new ArrayList<>(List.of(model.fingerprint()));
    key.addAll(what);
    return log.of(
        key,
        () -> {
          console.note("%s: %s".formatted(model.stem(), what.getFirst()));
          return todo.run();
        });
  }

  private List<String> command(String name, ModelFacts model, String... more) {
    List<String> command = new ArrayList<>(List.of(name, "-m", model.file().toString()));
    command.addAll(List.of("-t", Integer.toString(model.threads()), "--json"));
    command.addAll(List.of(more));
    return command;
  }

  /** Perplexity and, of a model with the same tokens, what parts it from the base. */
  private Map<String, Object> quality(ModelFacts model, ModelFacts base, Path text)
      throws IOException {
    String chunks = Integer.toString(options.windows());
    String what = text.getFileName() + " " + Files.size(text) + " bytes";
    JsonObject alone =
        step(base, List.of("perplexity", what, chunks), () -> predict(base, text, chunks));
    boolean comparable = model.vocabulary() == base.vocabulary();
    if (isBase(model, base)) {
      Map<String, Object> figures = new LinkedHashMap<>(alone.fields());
      figures.put("ppl_increase", 0.0);
      return figures;
    }
    if (!comparable) {
      return step(
              model,
              List.of("perplexity", what, chunks),
              () ->
                  child
                      .json(command("perplexity", model, "-f", text.toString(), "--chunks", chunks))
                      .fields())
          .fields();
    }
    JsonObject compared =
        step(
            model,
            List.of("divergence", base.fingerprint(), what, chunks),
            () -> {
              if (!Files.exists(baseFile())) {
                predict(base, text, chunks);
              }
              return child
                  .json(command("perplexity", model, "--kl-base", baseFile().toString()))
                  .fields();
            });
    Map<String, Object> figures = new LinkedHashMap<>(compared.fields());
    figures.put("ppl_increase", compared.number("ppl_ratio", 1) - 1);
    figures.put("ppl_increase_stderr", compared.number("ppl_ratio_stderr", 0));
    return figures;
  }

  private Map<String, Object> predict(ModelFacts base, Path text, String chunks)
      throws IOException {
    Files.deleteIfExists(baseFile());
    return child
        .json(
            command(
                "perplexity",
                base,
                "-f",
                text.toString(),
                "--chunks",
                chunks,
                "--kl-base",
                baseFile().toString(),
                "--save"))
        .fields();
  }

  private void tasks(ModelFacts model, Path data, Map<String, Object> all) throws IOException {
    Map<String, Object> results = new LinkedHashMap<>();
    double sum = 0;
    double squares = 0;
    int count = 0;
    for (String task : options.tasks()) {
      String limit = options.limit().map(Object::toString).orElse("all");
      JsonObject result =
          step(
              model,
              List.of("task " + task, data.toAbsolutePath().toString(), limit),
              () -> child.json(eval(model, data, task)).fields());
      String name = result.object("results").fields().keySet().iterator().next();
      Map<String, Object> metrics = metrics(result, name);
      results.put(name, metrics);
      if (metrics.get("acc") instanceof Number accuracy
          && metrics.get("acc_stderr") instanceof Number error) {
        sum += accuracy.doubleValue();
        squares += error.doubleValue() * error.doubleValue();
        count++;
      }
    }
    all.put("tasks", results);
    if (count > 0) {
      all.put("mean_accuracy", sum / count);
      all.put("mean_accuracy_stderr", Math.sqrt(squares) / count);
    }
  }

  private List<String> eval(ModelFacts model, Path data, String task) {
    List<String> command =
        command("eval", model, "--tasks", task, "--data", data.toString(), "--samples");
    String shortPrint = model.fingerprint().substring(0, 16);
    command.add(folder.resolve("answers-" + shortPrint + ".jsonl").toString());
    options.limit().ifPresent(n -> command.addAll(List.of("--limit", n.toString())));
    return command;
  }

  private static Map<String, Object> metrics(JsonObject result, String name) throws IOException {
    Map<String, Object> metrics = new LinkedHashMap<>();
    result
        .object("results")
        .object(name)
        .fields()
        .forEach(
            (metric, value) -> {
              if (metric.endsWith(FILTER)) {
                metrics.put(metric.substring(0, metric.length() - FILTER.length()), value);
              }
            });
    metrics.put("questions", result.object("n-samples").object(name).integer("effective"));
    return metrics;
  }

  private Map<String, Object> speed(ModelFacts model) throws IOException {
    JsonObject bench =
        step(
            model,
            List.of("speed", machine, Integer.toString(options.repeats())),
            () ->
                child
                    .json(
                        command(
                            "bench",
                            model,
                            "-p",
                            Integer.toString(PROMPT_TOKENS),
                            "-n",
                            Integer.toString(DECODED_TOKENS),
                            "-r",
                            Integer.toString(options.repeats())))
                    .fields());
    Map<String, Object> speed = new LinkedHashMap<>(bench.fields());
    JsonObject roofline = bench.object("roofline");
    for (Object each : bench.list("tests")) {
      JsonObject test = JsonObject.of("bench", each);
      boolean decode = test.string("test").startsWith("tg");
      String name = decode ? "decode" : "prefill";
      speed.put(name, test.fields());
      double bound = roofline.number(name + "_tokens_per_second", 0);
      speed.put(
          decode ? "share_of_bound" : "prefill_share_of_bound",
          test.number("tokens_per_second", 0) / bound);
    }
    return speed;
  }

  /** The median of some starts; the file is in the page cache by now. */
  private Map<String, Object> start(ModelFacts model) throws IOException {
    return step(
            model,
            List.of("start", machine, options.prompt()),
            () -> {
              List<String> command = new ArrayList<>(command("generate", model));
              command.remove("--json");
              command.addAll(
                  List.of("-p", options.prompt(), "-n", "1", "--temp", "0", "--no-echo"));
              List<Double> seconds = new ArrayList<>();
              for (int i = 0; i < STARTS; i++) {
                seconds.add(child.secondsToFirstByte(command));
              }
              Map<String, Object> result = new LinkedHashMap<>();
              result.put("seconds", seconds.stream().sorted().toList().get(STARTS / 2));
              result.put("all_seconds", seconds);
              return result;
            })
        .fields();
  }

  private JsonObject text(ModelFacts model) throws IOException {
    String tokens = Integer.toString(options.tokens());
    return step(
        model,
        List.of("text", machine, options.prompt(), tokens),
        () ->
            child
                .json(
                    command("generate", model, "-p", options.prompt(), "-n", tokens, "--temp", "0"))
                .fields());
  }

  /** What was done, in words. */
  List<String> notes() {
    List<String> notes = new ArrayList<>();
    options
        .text()
        .ifPresent(
            text ->
                notes.add(
                    ("Perplexity, divergence and same top token on %s: up to %d windows of %d"
                            + " tokens, as llama-perplexity measures.")
                        .formatted(
                            text.getFileName(), options.windows(), Perplexity.DEFAULT_WINDOW)));
    Optional<Integer> limit = options.limit();
    options
        .data()
        .ifPresent(
            _ ->
                notes.add(
                    "Tasks as lm-evaluation-harness asks them, zero shots, "
                        + (limit.isPresent()
                            ? "the first %d questions of each.".formatted(limit.get())
                            : "all questions.")));
    notes.add(
        ("Speed: mean of %d runs after one that does not count, a prompt of %d tokens and %d"
                + " decoded ones.")
            .formatted(options.repeats(), PROMPT_TOKENS, DECODED_TOKENS));
    notes.add(
        "Bound: the slower of memory (weights read once a token, the state read and written, at the"
            + " bandwidth measured) and arithmetic (products and scan at the speed that the kernels"
            + " reach with data in the caches).");
    notes.add(
        ("First token: from the start of the command in a fresh process to its first output, median"
                + " of %d starts with the file in the page cache. Peak memory: the largest resident"
                + " set of a fresh process that writes the text below, mapped weights included.")
            .formatted(STARTS));
    return notes;
  }
}
