package dev.mamba4j.cli;

import dev.mamba4j.compress.Choice;
import dev.mamba4j.compress.ImportanceWeighted;
import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.PlanFile;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.allocation.Divergence;
import dev.mamba4j.compress.allocation.Goal;
import dev.mamba4j.compress.allocation.PlanSearch;
import dev.mamba4j.compress.calibration.Calibration;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a plan is found, and what is done with it besides applying it. */
final class PlanOptions {
  @Option(
      names = {"-f", "--file"},
      paramLabel = "TEXT",
      description = "Text that mixes are measured on, and calibrated where there is no matrix.")
  private Path text;

  @Option(
      names = "--chunks",
      paramLabel = "N",
      description = "Windows of 512 tokens of it that are measured (default 8, of large models 2).")
  private Integer chunks;

  @Option(names = "--plan-out", paramLabel = "FILE", description = "Write the plan as JSON.")
  private Path planOut;

  @Option(names = "--dry-run", description = "Only show the plan and the size of the file.")
  private boolean dryRun;

  @Mixin private ThreadChoice threads;

  /** The text that was given, if one was. */
  Optional<Path> text() {
    return Optional.ofNullable(text);
  }

  /** How the model is run. */
  ModelOptions modelOptions() {
    return threads.options().withPrecision(Precision.FLOAT);
  }

  /** Finds the plan for a goal; empty if there is nothing to write. */
  Optional<GgufOutput.Job> search(
      Console console,
      Path input,
      Path target,
      ModelSource source,
      Optional<ImportanceMatrix> given,
      Goal goal)
      throws IOException {
    if (text == null) {
      throw new UsageException("to find the best mix, a text is needed to measure it on: -f TEXT");
    }
    if (Files.isDirectory(input)) {
      throw new UsageException(
          "%s: mixes are measured on a GGUF file; first: mamba4j convert %s -o FILE.gguf"
              .formatted(input, input));
    }
    if (chunks != null && chunks < 1) {
      throw new UsageException("--chunks must be 1 or more");
    }
    try (LanguageModel model = LanguageModel.open(input, modelOptions());
        ProgressBar bar = new ProgressBar(console, rate -> Figures.rate(rate, "runs"))) {
      CalibrationText windows =
          CalibrationText.of(
              text.toString(),
              TextChoice.read(text),
              model.tokenizer(),
              CalibrationText.DEFAULT_WINDOW,
              Integer.MAX_VALUE);
      console.interruption().arm();
      Optional<ImportanceMatrix> importance =
          given.isPresent() ? given : calibrate(console, target, model, windows);
      if (importance.isEmpty()) {
        return stopped(console, bar);
      }
      Optional<PlanSearch.Result> found =
          PlanSearch.run(
              model,
              source,
              importance,
              windows.spread(chunks == null ? PlanSearch.windows(source) : chunks),
              goal,
              target.toAbsolutePath().getParent(),
              beside(target, input, ".sensitivity.json"),
              listener(console, bar));
      if (found.isEmpty()) {
        return stopped(console, bar);
      }
      bar.clear();
      return finish(
          console,
          source,
          new GgufOutput.Job(found.get().plan(), ImportanceWeighted.of(importance)),
          found.get().divergence());
    }
  }

  private static Optional<GgufOutput.Job> stopped(Console console, ProgressBar bar) {
    bar.clear();
    console.note("stopped; start the same command again to go on");
    return Optional.empty();
  }

  /** In the folder of the target, named after the input. */
  private static Path beside(Path target, Path input, String suffix) {
    String name = input.getFileName().toString().replaceFirst("\\.gguf$", "");
    return target.toAbsolutePath().resolveSibling(name + suffix);
  }

  private static Optional<ImportanceMatrix> calibrate(
      Console console, Path target, LanguageModel model, CalibrationText windows)
      throws IOException {
    Path file = beside(target, model.file().path(), ".imatrix.gguf");
    if (Files.exists(file)) {
      throw new UsageException(
          "%s exists; use it: --calibration %s, or remove it".formatted(file, file));
    }
    console.note("calibrating first: " + file);
    try (ProgressBar bar = new ProgressBar(console, rate -> Figures.rate(rate, "tokens"))) {
      return Calibration.run(
          model,
          windows,
          file,
          (done, total) -> {
            bar.update("reading " + windows.name(), done, total);
            return !console.interruption().requested();
          });
    }
  }

  private static PlanSearch.Listener listener(Console console, ProgressBar bar) {
    return new PlanSearch.Listener() {
      @Override
      public boolean progress(String what, long done, long total) {
        bar.update(what, done, total);
        return !console.interruption().requested();
      }

      @Override
      public void note(String line) {
        bar.clear();
        console.note(line);
      }
    };
  }

  /** Writes and shows the plan as asked; empty if that was all. */
  Optional<GgufOutput.Job> finish(
      Console console, ModelSource source, GgufOutput.Job job, Divergence divergence)
      throws IOException {
    if (planOut != null) {
      PlanFile.write(planOut, source, job.plan());
    }
    if (divergence != null) {
      console.note(
          String.format(
              Locale.ROOT,
              "measured on %s: divergence %.5f, perplexity %+.2f %%",
              text,
              divergence.mean(),
              divergence.perplexityIncrease()));
    }
    if (dryRun) {
      show(console, source, job);
      return Optional.empty();
    }
    return Optional.of(job);
  }

  private static void show(Console console, ModelSource source, GgufOutput.Job job)
      throws IOException {
    Plan plan = job.plan();
    TextTable table = new TextTable("tensor", "type", ">bytes", "reason");
    for (SourceTensor tensor : source.tensors()) {
      if (tensor.isMatrix()) {
        Choice choice = plan.choice(tensor);
        long bytes = choice.type().byteSize(tensor.info().elements());
        table.row(tensor.name(), choice.type().name(), Long.toString(bytes), choice.reason());
      }
    }
    console.print(table.toString());
    console.printLine(
        "\nfile of %d bytes, %s bits per weight"
            .formatted(
                ModelWriter.fileBytes(source, plan, job.method()),
                Figures.number(
                    8.0 * ModelWriter.tensorBytes(source, plan) / ModelWriter.values(source))));
  }
}
