package dev.mamba4j.cli;

import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.gptq.LayerwiseGptq;
import dev.mamba4j.engine.LanguageModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Quantizing with error feedback. */
final class FeedbackOptions {
  @Option(
      names = "--gptq-chunks",
      paramLabel = "N",
      description = "Windows of 512 tokens that gptq reads in each pass (default 64).")
  private int chunks = 64;

  /** A job with error feedback in place of its method. */
  GgufOutput.Job of(Path input, PlanOptions planning, GgufOutput.Job job) throws IOException {
    Path file =
        planning
            .text()
            .orElseThrow(() -> new UsageException("--method gptq reads a text: -f TEXT"));
    if (Files.isDirectory(input)) {
      throw new UsageException(
          "%s: gptq runs a GGUF file; first: mamba4j convert %s -o FILE.gguf"
              .formatted(input, input));
    }
    if (chunks < 1) {
      throw new UsageException("--gptq-chunks must be 1 or more");
    }
    CalibrationText text;
    try (LanguageModel model = LanguageModel.open(input, planning.modelOptions())) {
      text =
          CalibrationText.of(
              file.toString(),
              TextChoice.read(file),
              model.tokenizer(),
              CalibrationText.DEFAULT_WINDOW,
              Integer.MAX_VALUE);
    }
    CalibrationText windows = text.spread(chunks);
    return new GgufOutput.Job(
        job.plan(),
        job.method(),
        (source, target, progress) ->
            LayerwiseGptq.write(
                input, planning.modelOptions(), job.plan(), windows, target, progress));
  }
}
