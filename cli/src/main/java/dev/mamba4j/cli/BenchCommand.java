package dev.mamba4j.cli;

import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.SyntheticModel;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.evaluate.DecodeBound;
import dev.mamba4j.evaluate.EnergyPerToken;
import dev.mamba4j.evaluate.PartTime;
import dev.mamba4j.evaluate.PeakMemory;
import dev.mamba4j.evaluate.ReadBandwidth;
import dev.mamba4j.evaluate.Roofline;
import dev.mamba4j.evaluate.Speed;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How fast a model runs here, and how fast it could. */
@Command(
    name = "bench",
    description = {
      "Measures prefill (pp) and decoding (tg) in tokens per second, as llama-bench does, and what",
      "memory and arithmetic would allow, for each part of a step too."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j bench -m tiny-q8.gguf",
      "  mamba4j bench --synthetic mamba2-2.7b:Q8_0 -p 64,512 -n 32",
      "  mamba4j bench -m tiny-q8.gguf -t 1,2,4 -p 0 -b 1,8"
    })
final class BenchCommand implements Callable<Integer> {
  /** Steps of which the parts are timed. */
  private static final int PART_STEPS = 16;

  private final Console console;

  @ArgGroup(multiplicity = "1")
  private Input input;

  @Option(
      names = "-p",
      paramLabel = "N",
      split = ",",
      description = "Prompt tokens, or a list such as 64,512; 0 for none (default 512).")
  private List<Integer> prompts = List.of(512);

  @Option(
      names = "-n",
      paramLabel = "N",
      split = ",",
      description = "Decoded tokens, or a list; 0 for none (default 128).")
  private List<Integer> decoded = List.of(128);

  @Option(
      names = "-b",
      paramLabel = "N",
      split = ",",
      description = "Sequences that decode together, or a list; tokens/s are of all (default 1).")
  private List<Integer> sequences = List.of(1);

  @Option(names = "-r", paramLabel = "N", description = "Repeats of each test (default 5).")
  private int repeats = 5;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      split = ",",
      description = {
        "Threads to use, or a list; by default MAMBA4J_THREADS, else one a fast processor.",
        "Lists give a row for each combination; all else is measured with the first of each."
      })
  private List<Integer> threads = List.of();

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
    if (anyNegative(prompts) || anyNegative(decoded) || repeats < 1) {
      throw new UsageException("-p and -n must be 0 or more, -r 1 or more");
    }
    if (sequences.stream().anyMatch(count -> count < 1 || count > Mamba2.PASS_TOKENS)) {
      throw new UsageException("-b must be 1 to " + Mamba2.PASS_TOKENS);
    }
    List<ModelOptions> options = options();
    Path file = input.file == null ? synthetic(input.synthetic) : input.file;
    try (LanguageModel model = LanguageModel.open(file, options.getFirst())) {
      BenchResult result = measure(file, model, options.subList(1, options.size()));
      if (json) {
        console.printLine(result.json());
      } else {
        console.print(result.text());
      }
    }
    return ExitCode.DONE;
  }

  private static boolean anyNegative(List<Integer> counts) {
    return counts.stream().anyMatch(count -> count < 0);
  }

  /** One for each number of threads. */
  private List<ModelOptions> options() {
    try {
      ModelOptions defaults = ModelOptions.defaults();
      return threads.isEmpty()
          ? List.of(defaults)
          : threads.stream().map(defaults::withThreads).toList();
    } catch (IllegalArgumentException e) {
      throw new UsageException(e);
    }
  }

  private BenchResult measure(Path file, LanguageModel model, List<ModelOptions> others)
      throws IOException {
    Surroundings surroundings = new Surroundings(model.threads());
    List<BenchResult.Row> rows = new ArrayList<>(rows(model, surroundings));
    int steps = Math.min(PART_STEPS, decoded.stream().mapToInt(n -> n).max().orElse(0));
    if (steps == 0) {
      surroundings.run();
    }
    Optional<EnergyPerToken> energy = steps > 0 ? EnergyPerToken.measure(model) : Optional.empty();
    List<PartTime> parts = steps > 0 ? PartTime.measure(model, steps) : List.of();
    DecodeBound bound = DecodeBound.of(model, sequences.getFirst(), surroundings.bandwidth());
    Optional<Roofline> roofline =
        steps > 0 ? Optional.of(Roofline.measure(model, bound.bytesPerSecond())) : Optional.empty();
    for (ModelOptions options : others) {
      try (LanguageModel other = LanguageModel.open(file, options)) {
        rows.addAll(rows(other, () -> {}));
      }
    }
    return new BenchResult(file, model, rows, parts, bound, roofline, energy, surroundings.peak);
  }

  /**
   * All tests with one number of threads.
   *
   * @param between runs before each repeat of decoding with the first of {@code -b}, and after
   */
  private List<BenchResult.Row> rows(LanguageModel model, Runnable between) {
    List<Speed> speeds = new ArrayList<>();
    for (int tokens : prompts) {
      if (tokens > 0) {
        speeds.add(Speed.prefill(model, tokens, repeats));
      }
    }
    for (int tokens : decoded) {
      for (int together : tokens > 0 ? sequences : List.<Integer>of()) {
        boolean first = together == sequences.getFirst();
        speeds.add(decode(model, tokens, together, first ? between : () -> {}));
      }
    }
    return speeds.stream().map(speed -> new BenchResult.Row(model.threads(), speed)).toList();
  }

  private Speed decode(LanguageModel model, int tokens, int together, Runnable between) {
    return together == 1
        ? Speed.decode(model, tokens, repeats, between)
        : Speed.decode(model, tokens, together, repeats, between);
  }

  /**
   * What the machine gives while decoding is measured: on shared machines bandwidth changes from
   * minute to minute.
   */
  private static final class Surroundings implements Runnable {
    private final int threads;
    private final List<Double> bandwidths = new ArrayList<>();
    private OptionalLong peak = OptionalLong.empty();

    Surroundings(int threads) {
      this.threads = threads;
    }

    @Override
    public void run() {
      if (bandwidths.isEmpty()) {
        peak = PeakMemory.bytes(); // measuring takes memory of its own
      }
      bandwidths.add(ReadBandwidth.measure(threads));
    }

    double bandwidth() {
      return bandwidths.stream().mapToDouble(x -> x).average().orElseThrow();
    }
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
}
