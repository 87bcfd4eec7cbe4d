package dev.mamba4j.cli;

import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.sampling.OptionException;
import dev.mamba4j.engine.sampling.SamplingOptions;
import dev.mamba4j.evaluate.PeakMemory;
import dev.mamba4j.formats.json.Json;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Text from a model. */
@Command(
    name = "generate",
    description = {
      "Continues a text.",
      "",
      "How fast it went is told at the end, on standard error."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j generate -m tiny.gguf -p \"Once upon a time\" -n 64",
      "  mamba4j generate -m tiny.gguf -f story.txt --temp 0 --stop \"The end\" --no-echo",
      "  echo \"Once upon a time\" | mamba4j generate -m tiny.gguf -p - --seed 1 --json"
    })
final class GenerateCommand implements Callable<Integer> {
  /** What comes of a prompt that was not read to its end. */
  private static final Generation NOTHING =
      new Generation("", List.of(), Generation.Reason.CANCELLED, 0);

  private final Console console;

  @Mixin private ModelChoice model;

  @ArgGroup(multiplicity = "1")
  private TextChoice prompt;

  @Option(
      names = {"-n", "--predict"},
      paramLabel = "N",
      description = "The most tokens to generate (default ${DEFAULT-VALUE}).")
  private int maxTokens = 128;

  @Mixin private SamplingChoice sampling;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End before this text; may be given more than once.")
  private List<String> stop = List.of();

  @Option(names = "--ignore-eos", description = "Go on after the token that ends a text.")
  private boolean ignoreEndOfText;

  @Option(names = "--no-echo", description = "Print the continuation only, not the prompt.")
  private boolean noEcho;

  @Option(names = "--json", description = "Print one JSON object at the end instead of the text.")
  private boolean json;

  GenerateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    GenerationOptions options = options();
    String text = prompt.readPrompt(console);
    try (LanguageModel opened = model.open();
        Session session = opened.newSession()) {
      int[] tokens = opened.tokenizer().encode(text, false);
      console.interruption().arm();
      print(noEcho ? "" : text);
      long start = System.nanoTime();
      boolean complete = read(session, tokens);
      double promptSeconds = (System.nanoTime() - start) / 1e9;
      Generation generation = complete ? session.generate(options, this::show) : NOTHING;
      print(generation.text().endsWith("\n") ? "" : "\n");
      tell(options.sampling(), tokens.length, promptSeconds, generation);
      return generation.reason() == Generation.Reason.CANCELLED
          ? ExitCode.INTERRUPTED
          : ExitCode.DONE;
    }
  }

  private GenerationOptions options() {
    SamplingOptions checked = sampling.options();
    if (stop.contains("")) {
      throw new UsageException("--stop must not be empty");
    }
    try {
      return new GenerationOptions(maxTokens, checked, stop, ignoreEndOfText);
    } catch (OptionException e) {
      throw new UsageException(e.messageFor("-n"));
    }
  }

  private boolean read(Session session, int[] tokens) {
    try (ReadingProgress progress = new ReadingProgress(console)) {
      return session.read(tokens, progress);
    }
  }

  private boolean show(String piece) {
    print(piece);
    return !console.interruption().requested();
  }

  private void print(String text) {
    if (!json && !text.isEmpty()) {
      console.print(text);
    }
  }

  private void tell(
      SamplingOptions used, int promptTokens, double promptSeconds, Generation generation) {
    double promptRate = promptSeconds > 0 ? promptTokens / promptSeconds : 0;
    int tokens = generation.tokens().size();
    String reason =
        generation.reason() == Generation.Reason.CANCELLED
            ? "interrupted"
            : generation.reason().name().toLowerCase(Locale.ROOT);
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("text", generation.text());
      result.put("tokens", generation.tokens());
      result.put("reason", reason);
      result.put("prompt_tokens", promptTokens);
      result.put("prompt_seconds", promptSeconds);
      result.put("prompt_tokens_per_second", promptRate);
      result.put("generated_tokens", tokens);
      result.put("seconds", generation.seconds());
      result.put("tokens_per_second", generation.tokensPerSecond());
      result.put("seed", used.seed().orElseThrow());
      OptionalLong peak = PeakMemory.bytes();
      result.put("peak_rss_mib", peak.isPresent() ? peak.getAsLong() / 1048576.0 : null);
      console.printLine(Json.write(result));
    } else {
      console.note(
          "prompt: %d tokens, %s; generated: %d tokens, %s, ended by %s; seed %d"
              .formatted(
                  promptTokens,
                  Figures.rate(promptRate, "tokens"),
                  tokens,
                  Figures.rate(generation.tokensPerSecond(), "tokens"),
                  reason.replace('_', ' '),
                  used.seed().orElseThrow()));
    }
  }
}
