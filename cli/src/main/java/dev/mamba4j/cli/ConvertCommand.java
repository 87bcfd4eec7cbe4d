package dev.mamba4j.cli;

import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.RoundToNearest;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** From a checkpoint to GGUF. */
@Command(
    name = "convert",
    description = {
      "Converts a checkpoint to GGUF.",
      "",
      "A checkpoint is a folder with config.json, weights (model.safetensors or pytorch_model.bin,"
          + " single or sharded) and usually tokenizer.json, as state-spaces and transformers"
          + " publish it."
    },
    footer = {"", "Example:", "  mamba4j convert models/tiny -o tiny.gguf"})
final class ConvertCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(
      paramLabel = "CHECKPOINT",
      description = "Folder of the checkpoint; a GGUF file will do as well.")
  private Path input;

  @Option(
      names = "--type",
      paramLabel = "F16|BF16|F32",
      converter = TypeName.class,
      description = "Type of the matrices; by default the type that they have.")
  private TensorType type;

  @Mixin private GgufOutput output;

  ConvertCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (type != null && type.blockSize() > 1) {
      throw new UsageException(
          "convert writes F16, BF16 or F32; for %s: mamba4j quantize %s -o FILE.gguf --type %s"
              .formatted(type, input, type));
    }
    return output.write(
        console,
        input,
        source ->
            Optional.of(
                new GgufOutput.Job(
                    source,
                    type == null ? Plan.lossless(source) : Plan.uniform(source, type),
                    new RoundToNearest())));
  }
}
