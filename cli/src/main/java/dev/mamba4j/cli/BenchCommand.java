package dev.mamba4j.cli;

import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.SyntheticModel;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.evaluate.DecodeBound;
import dev.mamba4j.evaluate.PeakMemory;
import dev.mamba4j.evaluate.Speed;
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
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How fast a model runs here, and how fast it could. */
@Command(
    name = "bench",
    description = {
      "Measures prefill (pp) and decoding (tg) in tokens per second, as llama-bench does, and what",
      "the bandwidth of memory would allow."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j bench -m tiny-q8.gguf",
      "  mamba4j bench --synthetic mamba2-2.7b:Q8_0 -p 64 -n 32",
      "  mamba4j bench -m tiny-q8.gguf -p 0 -b 8"
    })
final class BenchCommand implements Callable<Integer> {
  private final Console console;

  @ArgGroup(multiplicity = "1")
  private Input input;

  @Option(names = "-p", paramLabel = "N", description = "Prompt tokens; 0 for none (default 512).")
  private int prompt = 512;

  @Option(names = "-n", paramLabel = "N", description = "Decoded tokens; 0 for none (default 128).")
  private int decoded = 128;

  @Option(
      names = "-b",
      paramLabel = "N",
      description = "Sequences that decode together; tokens/s are of all (default 1).")
  private int sequences = 1;

  @Option(names = "-r", paramLabel = "N", description = "Repeats of each test (default 5).")
  private int repeats = 5;

  @Mixin private ThreadChoice threads;

  @Option(names = "--json", description = "Give the figures as JSON.")
  private boolean json;

  /** A file, or a shape of which one is made. */
  private static final class Input {
    @Option(
        names = {"-m", "--model"},
        paramLabel = "FILE",
        description = "GGUF file of a Mamba-2 model.")
    private Path file;

    @Option(
        names = "--synthetic",
        paramLabel = "SHAPE:TYPE",
        description =
            "A model with random weights, such as mamba2-2.7b:Q8_0; written on first use and kept"
                + " below ~/.cache/mamba4j.")
    private String synthetic;
  }

  BenchCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (prompt < 0 || decoded < 0 || repeats < 1) {
      throw new UsageException("-p and -n must be 0 or more, -r 1 or more");
    }
    if (sequences < 1 || sequences > Mamba2.PASS_TOKENS) {
      throw new UsageException("-b must be 1 to " + Mamba2.PASS_TOKENS);
    }
    Path file = input.file == null ? synthetic(input.synthetic) : input.file;
    try (LanguageModel model = LanguageModel.open(file, threads.options())) {
      List<Speed> speeds = new ArrayList<>();
      if (prompt > 0) {
        speeds.add(Speed.prefill(model, prompt, repeats));
      }
      if (decoded > 0) {
        speeds.add(
            sequences == 1
                ? Speed.decode(model, decoded, repeats)
                : Speed.decode(model, decoded, sequences, repeats));
      }
      OptionalLong peak = PeakMemory.bytes();
      DecodeBound bound = DecodeBound.of(model, sequences);
      if (json) {
        console.printLine(Json.write(figures(file, model, speeds, bound, peak)));
      } else {
        console.print(table(file, model, speeds, bound, peak));
      }
    }
    return ExitCode.DONE;
  }

  private Path synthetic(String name) throws IOException {
    String[] parts = name.split(":", 2);
    if (parts.length != 2) {
      throw new UsageException("--synthetic takes SHAPE:TYPE, such as mamba2-2.7b:Q8_0");
    }
    TensorType type = new TypeName().convert(parts[1]);
    Path file = cache().resolve(parts[0] + "-" + type + ".gguf");
    if (!Files.exists(file)) {
      try (SyntheticModel source = synthesize(parts[0]);
          ProgressBar bar =
              new ProgressBar(console, rate -> Figures.rate(rate / 1e6, "M weights"))) {
        console.note("writing " + file);
        Files.createDirectories(file.getParent());
        ModelWriter.write(
            source,
            Plan.uniform(source, type),
            file,
            (done, total, tensor) -> bar.update(tensor, done, total));
      }
    }
    return file;
  }

  private static SyntheticModel synthesize(String shape) throws IOException {
    try {
      return SyntheticModel.of(shape);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e);
    }
  }

  private static Path cache() {
    String home = System.getenv("XDG_CACHE_HOME");
    Path base =
        home == null || home.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(home);
    return base.resolve("mamba4j").resolve("synthetic");
  }

  private static Map<String, Object> figures(
      Path file, LanguageModel model, List<Speed> speeds, DecodeBound bound, OptionalLong peak) {
    List<Map<String, Object>> tests = new ArrayList<>();
    for (Speed speed : speeds) {
      Map<String, Object> test = new LinkedHashMap<>();
      test.put("test", speed.test());
      test.put("tokens_per_second", speed.tokensPerSecond());
      test.put("stddev", speed.deviation());
      tests.add(test);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("model", file.toString());
    all.put("kernels", model.kernels().name());
    all.put("threads", model.threads());
    all.put("tests", tests);
    all.put("bandwidth_gb_s", bound.bytesPerSecond() / 1e9);
    all.put("bound_tokens_per_second", bound.tokensPerSecond());
    all.put("efficiency", efficiency(speeds, bound));
    all.put("peak_rss_mib", peak.isPresent() ? peak.getAsLong() / 1048576.0 : null);
    return all;
  }

  /** Share of the bound that decoding reached; null if it was not measured. */
  private static Double efficiency(List<Speed> speeds, DecodeBound bound) {
    return speeds.stream()
        .filter(speed -> speed.test().startsWith("tg"))
        .map(speed -> speed.tokensPerSecond() / bound.tokensPerSecond())
        .findFirst()
        .orElse(null);
  }

  private static String table(
      Path file, LanguageModel model, List<Speed> speeds, DecodeBound bound, OptionalLong peak) {
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
    Double efficiency = efficiency(speeds, bound);
    return table
        + "\nread bandwidth %s/s, %s a token: at most %s%s%s\n"
            .formatted(
                Figures.bytes(Math.round(bound.bytesPerSecond())),
                Figures.bytes(bound.bytesPerToken()),
                Figures.rate(bound.tokensPerSecond(), "tokens"),
                efficiency == null ? "" : ", reached " + Math.round(100 * efficiency) + " %",
                peak.isEmpty() ? "" : "; peak memory " + Figures.bytes(peak.getAsLong()));
  }
}
