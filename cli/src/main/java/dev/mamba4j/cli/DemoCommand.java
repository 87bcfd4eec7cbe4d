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
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The whole way from a checkpoint to a story, on the small model of the repository. */
@Command(
    name = "demo",
    description = {
      "Takes the small model through everything: imports the checkpoint, writes it at several",
      "sizes, measures each, writes a report and lets the smallest continue a story."
    },
    footer = {"", "Example:", "  mamba4j demo --out stories"})
final class DemoCommand implements Callable<Integer> {
  private static final List<TensorType> TYPES =
      List.of(TensorType.F16, TensorType.Q8_0, TensorType.Q4_K);
  private static final String PROMPT = "Once upon a time there was a little";
  private static final int STORY_TOKENS = 120;
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

  @Override
  public Integer call() throws IOException {
    Path checkpoint = smallModel();
    Files.createDirectories(folder);
    List<Path> files = new ArrayList<>();
    for (TensorType type : TYPES) {
      Path file = folder.resolve("tiny-" + type + ".gguf");
      console.note("writing " + file);
      try (ModelSource source = ModelWriter.open(checkpoint)) {
        ModelWriter.write(source, Plan.uniform(source, type), file, ModelWriter.Progress.NONE);
      }
      files.add(file);
    }
    Path page = folder.resolve("report.html");
    ReportOptions options = ReportOptions.on(checkpoint.resolve("sample.txt"), PROMPT);
    Report report =
        new Report(
            console, options, page, Report.beside(page), Report.commandLine(List.of("demo")));
    console.note("measuring, which takes some seconds");
    Map<String, Object> document = report.measure(files);
    report.write(document);
    JsonObject models = JsonObject.of("report", document);
    Path smallest = files.getLast();
    if (json) {
      document.put("story", story(smallest, piece -> true));
      console.printLine(Json.write(document));
    } else {
      console.print(table(models));
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

  private static String table(JsonObject report) throws IOException {
    TextTable table =
        new TextTable("type", ">bytes", ">bits/weight", ">perplexity", ">tokens/s", ">peak memory");
    for (Object each : report.list("models")) {
      JsonObject model = JsonObject.of("report: model", each);
      JsonObject quality = model.object("quality");
      table.row(
          model.string("name"),
          Long.toString(model.integer("file_bytes")),
          Figures.number(model.number("bits_per_weight", 0)),
          String.format(
              Locale.ROOT,
              "%.3f ± %.2f",
              quality.number("ppl", 0),
              quality.number("ppl_stderr", 0)),
          Figures.number(model.object("speed").object("decode").number("tokens_per_second", 0)),
          model.has("memory")
              ? Figures.bytes(model.object("memory").integer("peak_bytes"))
              : "unknown");
    }
    return table.toString();
  }
}
