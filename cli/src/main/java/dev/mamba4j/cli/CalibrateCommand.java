package dev.mamba4j.cli;

import dev.mamba4j.compress.calibration.Calibration;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** From a text to the statistics that quantizing takes into account. */
@Command(
    name = "calibrate",
    description = {
      "Reads a text with a model and writes how large the inputs of each matrix are: an importance",
      "matrix, in the form of llama.cpp. Take the unquantized model and text like that of its use.",
      "",
      "Stopped (Ctrl-C) or killed, it goes on where it was when started again."
    },
    footer = {"", "Example:", "  mamba4j calibrate -m tiny.gguf -f text.txt -o tiny.imatrix.gguf"})
final class CalibrateCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = {"-m", "--model"},
      required = true,
      paramLabel = "FILE",
      description = "GGUF file of a Mamba-2 model.")
  private Path file;

  @ArgGroup(multiplicity = "1")
  private TextChoice text;

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "FILE",
      description = "The importance matrix to write.")
  private Path target;

  @Option(
      names = "--ctx",
      paramLabel = "N",
      description = "Tokens of a window; each is read from an empty state (default 512).")
  private int window = CalibrationText.DEFAULT_WINDOW;

  @Option(
      names = "--chunks",
      paramLabel = "N",
      description = "Windows to read, from the start of the text (default: all).")
  private int chunks = Integer.MAX_VALUE;

  @Mixin private ThreadChoice threads;

  @Option(names = "--json", description = "Tell what was made as JSON.")
  private boolean json;

  CalibrateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (window < CalibrationText.SMALLEST_WINDOW || chunks < 1) {
      throw new UsageException(
          "--ctx must be %d or more, --chunks 1 or more"
              .formatted(CalibrationText.SMALLEST_WINDOW));
    }
    if (Files.exists(file) && Files.exists(target) && Files.isSameFile(file, target)) {
      throw new UsageException(target + " is the model; choose another name for -o");
    }
    long start = System.nanoTime();
    try (LanguageModel model =
            LanguageModel.open(file, threads.options().withPrecision(Precision.FLOAT));
        ProgressBar bar = new ProgressBar(console, rate -> Figures.rate(rate, "tokens"))) {
      String words = text.read(console);
      CalibrationText windows =
          CalibrationText.of(text.name(), words, model.tokenizer(), window, chunks);
      console.interruption().arm();
      Optional<ImportanceMatrix> made =
          Calibration.run(
              model,
              windows,
              target,
              new Calibration.Progress() {
                @Override
                public boolean report(long done, long total) {
                  bar.update("reading " + text.name(), done, total);
                  return !console.interruption().requested();
                }

                @Override
                public void note(String line) {
                  console.note(line);
                }
              });
      bar.clear();
      if (made.isEmpty()) {
        console.note("stopped; start the same command again to go on");
        return ExitCode.INTERRUPTED;
      }
      tell(made.get(), (System.nanoTime() - start) / 1e9);
    }
    return ExitCode.DONE;
  }

  private void tell(ImportanceMatrix matrix, double seconds) {
    long tokens = (long) matrix.chunks() * matrix.chunkSize();
    if (json) {
      Map<String, Object> figures = new LinkedHashMap<>();
      figures.put("output", target.toString());
      figures.put("matrices", matrix.entries().size());
      figures.put("chunks", matrix.chunks());
      figures.put("chunk_size", matrix.chunkSize());
      figures.put("tokens", tokens);
      figures.put("seconds", seconds);
      console.printLine(Json.write(figures));
    } else {
      console.printLine(
          "%s: %d matrices, %d tokens in windows of %d, in %s"
              .formatted(
                  target,
                  matrix.entries().size(),
                  tokens,
                  matrix.chunkSize(),
                  Figures.seconds(seconds)));
    }
  }
}
