package dev.mamba4j.cli;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.formats.json.Json;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Log-probabilities of a given text. */
@Command(
    name = "score",
    description = {
      "Tells how probable each token of a text is, as JSON.",
      "",
      "Logarithms are natural ones, over all logits of the model. The first token has nothing"
          + " before it, hence null:",
      "  {\"tokens\":[ID,…],\"logprobs\":[null,X,…],\"top\":[null,[[ID,X],…],…],\"next\":[[ID,X],…]}"
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j score -m tiny.gguf -p \"Once upon a time\" --top 5",
      "  mamba4j score -m tiny.gguf --tokens 1953,329,622 --next"
    })
final class ScoreCommand implements Callable<Integer> {
  private static final int DEFAULT_NEXT = 10;

  private final Console console;

  @Mixin private ModelChoice model;

  @ArgGroup(multiplicity = "1")
  private Input input;

  @Option(
      names = "--top",
      paramLabel = "N",
      description = "At each place also the N most probable tokens, the most probable first.")
  private Integer top;

  @Option(
      names = "--next",
      description = "Also the most probable tokens after the last (N of --top, or 10).")
  private boolean next;

  @Option(names = "--json", hidden = true, description = "The result is JSON in any case.")
  @SuppressWarnings("UnusedVariable") // taken so that all commands that report figures take it
  private boolean json;

  ScoreCommand(Console console) {
    this.console = console;
  }

  /** Text or token ids: one of the three options is given. */
  static final class Input extends TextChoice {
    @Option(
        names = "--tokens",
        paramLabel = "ID,ID,…",
        converter = TokenList.Converter.class,
        description = "Token ids in place of a text; the model needs no tokenizer then.")
    private TokenList tokens;

    int[] tokens(LanguageModel model, Console console) throws IOException {
      return tokens == null
          ? model.tokenizer().encode(read(console), false)
          : tokens.checked(model.mamba2().config().vocabulary());
    }
  }

  @Override
  public Integer call() throws IOException {
    if (top != null && top < 1) {
      throw new UsageException("--top must be 1 or more, not " + top);
    }
    try (LanguageModel opened = model.open();
        Mamba2State state = opened.mamba2().newState()) {
      int[] tokens = input.tokens(opened, console);
      if (next && tokens.length == 0) {
        throw new UsageException("--next needs at least one token before");
      }
      console.interruption().arm();
      int wanted = top == null ? 0 : top;
      int wantedNext = next ? (top == null ? DEFAULT_NEXT : top) : 0;
      int vocabulary = opened.mamba2().config().vocabulary();
      try (TextScores scores = new TextScores(console, tokens, vocabulary, wanted, wantedNext)) {
        if (!opened.mamba2().prefill(state, tokens, scores)) {
          return ExitCode.INTERRUPTED;
        }

        console.printLine(Json.write(scores.toJson()));
      }
    }
    return ExitCode.DONE;
  }
}
