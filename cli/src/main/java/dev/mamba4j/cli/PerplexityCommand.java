package dev.mamba4j.cli;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.evaluate.BaseProbabilities;
import dev.mamba4j.evaluate.KlDivergence;
import dev.mamba4j.evaluate.Perplexity;
import dev.mamba4j.formats.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How well a model predicts a text, alone or against another. */
@Command(
    name = "perplexity",
    description = {
      "Measures how well a model predicts a text, and how far it is from the model that it was made"
          + " from, as llama-perplexity does.",
      "",
      "With --kl-base --save the predictions of this model are kept in a file; with --kl-base alone"
          + " this model is compared with those kept. The file is that of llama-perplexity's"
          + " --kl-divergence-base. It takes 2 bytes for each token of the vocabulary at half of"
          + " the places of the text."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j perplexity -m tiny.gguf -f wiki.test.raw",
      "  mamba4j perplexity -m tiny.gguf -f wiki.test.raw --chunks 20 --kl-base tiny.base --save",
      "  mamba4j perplexity -m tiny-q8.gguf --kl-base tiny.base"
    })
final class PerplexityCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ModelChoice model;

  @ArgGroup private TextChoice text;

  @Option(
      names = {"-c", "--ctx"},
      paramLabel = "N",
      description = "Tokens of a window; the second half of each is scored (default 512).")
  private Integer window;

  @Option(
      names = "--chunks",
      paramLabel = "N",
      description = "Read N windows from the start of the text at most (default: all).")
  private Integer chunks;

  @Option(
      names = "--kl-base",
      paramLabel = "FILE",
      description = "Compare with the predictions in this file, on the text that they are of.")
  private Path base;

  @Option(names = "--save", description = "Write the file of --kl-base in place of reading it.")
  private boolean save;

  @Option(names = "--json", description = "Give the figures as JSON.")
  private boolean json;

  PerplexityCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    check();
    try (LanguageModel opened = model.open();
        ProgressBar bar = new ProgressBar(console, rate -> Figures.rate(rate, "windows"))) {
      if (base != null && !save) {
        compare(opened, bar);
      } else {
        measure(opened, bar);
      }
    }
    return ExitCode.DONE;
  }

  private void check() {
    if (save && base == null) {
      throw new UsageException("--save needs --kl-base FILE, the file to write");
    }
    if (text == null && (base == null || save)) {
      throw new UsageException("give the text to read: -f FILE or -p TEXT");
    }
    if (text != null && base != null && !save) {
      throw new UsageException(
          "--kl-base has its own text; leave -f and -p out, or add --save to write the file");
    }
    if (window != null && base != null && !save) {
      throw new UsageException("--kl-base has its own windows; leave --ctx out");
    }
    if (window != null && window < 4) {
      throw new UsageException("--ctx must be 4 or more, not " + window);
    }
    if (chunks != null && chunks < 1) {
      throw new UsageException("--chunks must be 1 or more, not " + chunks);
    }
  }

  private void measure(LanguageModel opened, ProgressBar bar) throws IOException {
    String given = text.read(console);
    int length = window == null ? Perplexity.DEFAULT_WINDOW : window;
    console.interruption().arm();
    Perplexity.Progress progress = (done, total, soFar) -> follow(bar, done, total, soFar);
    Perplexity perplexity =
        save
            ? BaseProbabilities.write(base, opened, given, length, mostWindows(), progress)
            : Perplexity.measure(opened, given, length, mostWindows(), progress);
    bar.close();
    console.print(
        json
            ? Json.write(PerplexityText.json(perplexity)) + "\n"
            : "\n" + PerplexityText.lastLine(perplexity));
    if (save) {
      console.note("wrote " + base);
    }
  }

  /** In text, each window adds to a line of perplexities so far. */
  private void follow(ProgressBar bar, int done, int total, Perplexity soFar) {
    if (json) {
      bar.update("reading", done, total);
    } else {
      console.print(String.format(Locale.ROOT, "[%d]%.4f,", done, soFar.value()));
    }
  }

  private void compare(LanguageModel opened, ProgressBar bar) throws IOException {
    console.interruption().arm();
    try (BaseProbabilities predictions = BaseProbabilities.open(base)) {
      KlDivergence.Progress progress =
          (done, total, soFar) -> {
            if (json) {
              bar.update("reading", done, total);
            } else {
              String heading = done == 1 ? PerplexityText.HEADING : "";
              console.print(heading + PerplexityText.row(done, soFar.get()));
            }
          };
      KlDivergence figures = KlDivergence.measure(opened, predictions, mostWindows(), progress);
      bar.close();
      console.print(
          json
              ? Json.write(PerplexityText.json(figures)) + "\n"
              : "\n" + PerplexityText.statistics(figures));
    }
  }

  private int mostWindows() {
    return chunks == null ? Integer.MAX_VALUE : chunks;
  }
}
