package dev.mamba4j.cli;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.sampling.SamplingOptions;
import dev.mamba4j.evaluate.PeakMemory;
import dev.mamba4j.evaluate.Perplexity;
import dev.mamba4j.evaluate.Speed;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The whole way from a checkpoint to a story, on the small model of the repository. */
@Command(
    name = "demo",
    description = {
      "Takes the small model through everything: imports the checkpoint, writes it at several",
      "sizes, measures each and lets the smallest continue a story."
    },
    footer = {"", "Example:", "  mamba4j demo --out stories"})
final class DemoCommand implements Callable<Integer> {
  private static final List<TensorType> TYPES = List.of(TensorType.F16, TensorType.Q8_0);
  private static final String PROMPT = "Once upon a time there was a little";
  private static final int STORY_TOKENS = 120;
  private static final int TIMED_TOKENS = 256;
  private static final long SEED = 7;

  private final Console console;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder for the files (default: demo, here).")
  private Path folder = Path.of("demo");

  @Option(names = "--json", description = "Give the figures as JSON.")
  private boolean json;

  DemoCommand(Console console) {
    this.console = console;
  }

  /**
   * A row of the table.
   *
   * @param perplexity on the sample text that comes with the model
   */
  private record Result(
      TensorType type,
      Path file,
      long bytes,
      WeightCount weights,
      Perplexity perplexity,
      double tokensPerSecond,
      OptionalLong peakBytes) {}

  @Override
  public Integer call() throws IOException {
    Path checkpoint = smallModel();
    Files.createDirectories(folder);
    String sample = Files.readString(checkpoint.resolve("sample.txt"));
    List<Result> results = new ArrayList<>();
    for (TensorType type : TYPES) {
      Path file = folder.resolve("tiny-" + type + ".gguf");
      console.note("writing " + file);
      try (ModelSource source = ModelWriter.open(checkpoint)) {
        ModelWriter.write(source, Plan.uniform(source, type), file, ModelWriter.Progress.NONE);
      }
      console.note("measuring " + file);
      results.add(measure(type, file, sample));
    }
    Path smallest = results.getLast().file();
    if (json) {
      printJson(results, story(smallest, piece -> true));
    } else {
      console.print(table(results));
      console.print("\nA story from " + smallest + ":\n\n" + PROMPT);
      story(
          smallest,
          piece -> {
            console.print(piece);
            return true;
          });
      console.print("\n");
    }
    return ExitCode.DONE;
  }

  /** The checkpoint beside the launcher, or below the current folder. */
  private static Path smallModel() {
    String launcher = System.getProperty("mamba4j.launcher");
    Path root = launcher == null ? Path.of("") : Path.of(launcher).getParent();
    Path model = root.resolve("models").resolve("tiny");
    if (!Files.isDirectory(model)) {
      throw new UsageException(
          model.toAbsolutePath() + ": the small model is not there; run demo from the repository");
    }
    return model;
  }

  private static Result measure(TensorType type, Path file, String sample) throws IOException {
    boolean fresh = PeakMemory.reset();
    try (LanguageModel model = LanguageModel.open(file, ModelOptions.defaults())) {
      int window = Perplexity.DEFAULT_WINDOW;
      Perplexity perplexity =
          Perplexity.measure(model, sample, window, Integer.MAX_VALUE, Perplexity.Progress.NONE);
      double speed = Speed.decode(model, TIMED_TOKENS, 3).tokensPerSecond();
      return new Result(
          type,
          file,
          model.file().size(),
          WeightCount.of(model.file().tensors().stream().map(GgufTensor::info)),
          perplexity,
          speed,
          fresh ? PeakMemory.bytes() : OptionalLong.empty());
    }
  }

  private static String story(Path file, Session.TextListener listener) throws IOException {
    SamplingOptions sampling = SamplingOptions.builder().temperature(0.6).seed(SEED).build();
    GenerationOptions options = new GenerationOptions(STORY_TOKENS, sampling, List.of(), false);
    try (LanguageModel model = LanguageModel.open(file, ModelOptions.defaults());
        Session session = model.newSession()) {
      session.read(PROMPT);
      Generation generation = session.generate(options, listener);
      return PROMPT + generation.text();
    }
  }

  private static String table(List<Result> results) {
    TextTable table =
        new TextTable("type", ">bytes", ">bits/weight", ">perplexity", ">tokens/s", ">peak memory");
    for (Result result : results) {
      table.row(
          result.type().name(),
          Long.toString(result.bytes()),
          Figures.number(result.weights().bitsPerWeight()),
          String.format(
              Locale.ROOT,
              "%.3f ± %.2f",
              result.perplexity().value(),
              result.perplexity().standardError()),
          Figures.number(result.tokensPerSecond()),
          result.peakBytes().isPresent()
              ? Figures.bytes(result.peakBytes().getAsLong())
              : "unknown");
    }
    return table.toString();
  }

  private void printJson(List<Result> results, String story) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Result result : results) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("type", result.type().name());
      row.put("file", result.file().toString());
      row.put("bytes", result.bytes());
      row.put("bits_per_weight", result.weights().bitsPerWeight());
      row.put("ppl", result.perplexity().value());
      row.put("ppl_stderr", result.perplexity().standardError());
      row.put("tokens_per_second", result.tokensPerSecond());
      row.put(
          "peak_rss_bytes", result.peakBytes().isPresent() ? result.peakBytes().getAsLong() : null);
      rows.add(row);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("models", rows);
    all.put("story", story);
    console.printLine(Json.write(all));
  }
}
