package dev.mamba4j.cli;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Precision;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of every command that runs a model. */
final class ModelChoice {
  @Option(
      names = {"-m", "--model"},
      required = true,
      paramLabel = "FILE",
      description = "GGUF file of a Mamba-2 model.")
  private Path file;

  @Mixin private ThreadChoice threads;

  @Option(
      names = "--precision",
      paramLabel = "fast|float",
      description =
          "Inputs of matrix products: int8 where that is faster, or float32 (default fast).")
  private Precision precision = Precision.FAST;

  Path file() {
    return file;
  }

  Precision precision() {
    return precision;
  }

  /**
   * Opens the model.
   *
   * @throws UsageException if the options, or the variables that stand in for them, make no sense
   */
  LanguageModel open() throws IOException {
    return LanguageModel.open(file, threads.options().withPrecision(precision));
  }
}
