package dev.mamba4j.cli;

import dev.mamba4j.compress.Plan;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** From a model to a smaller one. */
@Command(
    name = "quantize",
    description = {
      "Compresses a model.",
      "",
      "The matrices (embedding, projections, head) get the type; all else stays F32."
    },
    footer = {"", "Example:", "  mamba4j quantize tiny.gguf -o tiny-q8.gguf --type Q8_0"})
final class QuantizeCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "INPUT", description = "A GGUF file or the folder of a checkpoint.")
  private Path input;

  @Option(
      names = "--type",
      required = true,
      paramLabel = "TYPE",
      converter = TypeName.class,
      description =
          "Q8_0 (8.5 bits per weight), Q6_K (6.6), Q5_K (5.5), Q4_K (4.5), Q4_0 (4.5), Q3_K (3.4),"
              + " Q2_K (2.6) and others, F16, BF16 or F32.")
  private TensorType type;

  @Mixin private GgufOutput output;

  QuantizeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    return output.write(console, input, source -> Plan.uniform(source, type));
  }
}
