package dev.mamba4j.cli;

import dev.mamba4j.compress.Choice;
import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.PlanFile;
import dev.mamba4j.compress.RoundToNearest;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.allocation.Divergence;
import dev.mamba4j.compress.allocation.Goal;
import dev.mamba4j.compress.allocation.PlanSearch;
import dev.mamba4j.formats.WorkFolder;
import dev.mamba4j.kernels.KernelChoice;
import dev.mamba4j.kernels.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a plan is found, and what is done with it besides applying it. */
final class PlanOptions {
  private static final int FEEDBACK = 128;
  private static final int LARGE_FEEDBACK = 32;

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

  @Option(
      names = "--gptq-chunks",
      paramLabel = "N",
      description =
          "Windows of it that are read for error feedback (default 128, of large models 32).")
  private Integer feedbackChunks;

  @Option(names = "--plan-out", paramLabel = "FILE", description = "Write the plan as JSON.")
  private Path planOut;

  @Option(names = "--dry-run", description = "Only show the plan and the size of the file.")
  private boolean dryRun;

  @Mixin private ThreadChoice threads;

  /** Whether nothing is to be written. */
  boolean isDryRun() {
    return dryRun;
  }

  /** Complains of what makes no sense, before a file is opened. */
  void check() {
    if ((chunks != null && chunks < 1) || (feedbackChunks != null && feedbackChunks < 1)) {
      throw new UsageException("--chunks and --gptq-chunks must be 1 or more");
    }
  }

  /**
   * Runs the model that is quantized, over the text.
   *
   * @param input what the user calls the model
   * @param work of the file that is to be made
   * @param source its weights, where they are not those of the input
   * @param why what the text is for
   */
  PlanRun run(
      Console console, Path input, WorkFolder work, Optional<ModelSource> source, String why)
      throws IOException {
    if (text == null) {
      throw new UsageException(why + " takes a text to read: -f TEXT");
    }
    if (Files.isDirectory(input)) {
      throw new UsageException(
          "%s: %s runs a GGUF file; first: mamba4j convert %s -o FILE.gguf"
              .formatted(input, why, input));
    }
    return new PlanRun(console, input, work, source, text, threads.options());
  }

  /** Refuses a size that no plan can have, before anything is read. */
  void check(ModelSource source, Goal goal) throws IOException {
    Kernels kernels = KernelChoice.decide(threads.options().kernels()).kernels();
    PlanSearch.check(source, goal, new RoundToNearest(), kernels);
  }

  /** Windows that mixes are measured on. */
  int measuredWindows(ModelSource source) {
    return chunks == null ? PlanSearch.windows(source) : chunks;
  }

  /** Windows that are read for error feedback. */
  int feedbackWindows(ModelSource source) {
    if (feedbackChunks != null) {
      return feedbackChunks;
    }
    return PlanSearch.isLarge(source) ? LARGE_FEEDBACK : FEEDBACK;
  }

  /** Writes and shows the plan as asked; empty if that was all. */
  Optional<GgufOutput.Job> finish(Console console, GgufOutput.Job job, Divergence divergence)
      throws IOException {
    ModelSource source = job.source();
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
