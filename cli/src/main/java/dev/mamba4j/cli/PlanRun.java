package dev.mamba4j.cli;

import dev.mamba4j.compress.ImportanceWeighted;
import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.ScratchFile;
import dev.mamba4j.compress.allocation.ClipSearch;
import dev.mamba4j.compress.allocation.Goal;
import dev.mamba4j.compress.allocation.PlanSearch;
import dev.mamba4j.compress.calibration.Calibration;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.compress.gptq.Gptq;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.WorkFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The model that is quantized, running in floats over a text: to calibrate, to see how its inputs
 * go together, to find a plan. Methods return empty where the user stopped them.
 */
final class PlanRun implements AutoCloseable {
  private static final String FLOATS = "floats.gguf";

  private final Console console;
  private final Path input;
  private final WorkFolder work;
  private final LanguageModel model;
  private final CalibrationText text;
  private final ProgressBar bar;

  PlanRun(
      Console console,
      Path input,
      WorkFolder work,
      Optional<ModelSource> source,
      Path text,
      ModelOptions options)
      throws IOException {
    this.console = console;
    this.input = input;
    this.work = work;
    String words = TextChoice.read(text);
    ModelOptions floats = options.withPrecision(Precision.FLOAT);
    model = source.isEmpty() ? LanguageModel.open(input, floats) : open(source.get(), floats);
    try {
      this.text =
          CalibrationText.of(
              text.toString(),
              words,
              model.tokenizer(),
              CalibrationText.DEFAULT_WINDOW,
              Integer.MAX_VALUE);
    } catch (IOException | RuntimeException e) {
      model.close();
      throw e;
    }
    bar = new ProgressBar(console, rate -> "");
    console.interruption().arm();
  }

  /** Opens weights that are in no file: in one that has no name any more once it is open. */
  private LanguageModel open(ModelSource source, ModelOptions options) throws IOException {
    Path file = work.file(FLOATS);
    try {
      ModelWriter.write(source, Plan.lossless(source), file, ModelWriter.Progress.NONE);
      return LanguageModel.open(file, options);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  /** Makes the importance matrix, and keeps it beside the target. */
  Optional<ImportanceMatrix> calibrate() throws IOException {
    Path file = beside(".imatrix.gguf");
    if (Files.exists(file)) {
      throw new UsageException(
          "%s exists; use it: --calibration %s, or remove it".formatted(file, file));
    }
    console.note("calibrating first: " + file);
    return Calibration.run(model, text, file, new Reader("reading " + text.name()));
  }

  /** Refuses a size that no plan can have by error feedback, before the text is read for it. */
  void check(ModelSource source, Optional<ImportanceMatrix> importance, int windows, Goal goal)
      throws IOException {
    QuantizationMethod method =
        Gptq.unread(text.spread(windows), ImportanceWeighted.of(importance));
    PlanSearch.check(source, goal, method, model.kernels());
  }

  /** Reads the text for error feedback. */
  Optional<QuantizationMethod> feedback(
      Optional<ImportanceMatrix> importance, int windows, ScratchFile scratch) throws IOException {
    QuantizationMethod otherwise = ImportanceWeighted.of(importance);
    return Gptq.of(
            model, text.spread(windows), otherwise, scratch, work, new Reader("reading for gptq"))
        .map(QuantizationMethod.class::cast);
  }

  /** Finds the plan for a goal. */
  Optional<PlanSearch.Result> search(
      ModelSource source,
      Optional<ImportanceMatrix> importance,
      QuantizationMethod method,
      int windows,
      Goal goal)
      throws IOException {
    return PlanSearch.run(
        model,
        source,
        importance,
        method,
        text.spread(windows),
        goal,
        folder(),
        beside(".sensitivity.json"),
        new Listener());
  }

  /** Finds out what may be cut off activations. */
  Optional<Plan> clip(ModelSource source, Plan plan, QuantizationMethod method, int windows)
      throws IOException {
    return ClipSearch.run(
        model, source, plan, method, text.spread(windows), folder(), new Listener());
  }

  private final class Reader implements Calibration.Progress, Gptq.Progress {
    private final String what;

    Reader(String what) {
      this.what = what;
    }

    @Override
    public boolean report(long done, long total) {
      return goOn(what, done, total);
    }

    @Override
    public void note(String line) {
      PlanRun.this.note(line);
    }
  }

  private final class Listener implements PlanSearch.Listener {
    @Override
    public boolean progress(String what, long done, long total) {
      return goOn(what, done, total);
    }

    @Override
    public void note(String line) {
      PlanRun.this.note(line);
    }
  }

  private void note(String line) {
    bar.clear();
    console.note(line);
  }

  private Path folder() {
    return work.folder().getParent();
  }

  private boolean goOn(String what, long done, long total) {
    bar.update(what, done, total);
    return !console.interruption().requested();
  }

  /** In the folder of the target, named after the input. */
  private Path beside(String suffix) {
    String name = input.getFileName().toString().replaceFirst("\\.gguf$", "");
    return folder().resolve(name + suffix);
  }

  @Override
  public void close() {
    bar.close();
    model.close();
  }
}
