package dev.mamba4j.cli;

import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A conversation with a model. */
@Command(
    name = "chat",
    description = {
      "Talks with a model.",
      "",
      "The conversation is a text with User: and Assistant: in turn, which the model continues;"
          + " a base model was not trained to answer, and it shows. Lines may be piped in."
    },
    footer = {"", "Example:", "  mamba4j chat -m tiny.gguf --system \"A child asks for stories.\""})
final class ChatCommand implements Callable<Integer> {
  private static final String COMMANDS =
      "/reset forgets all that was said; /exit or Ctrl-D leaves; Ctrl-C ends an answer";

  private final Console console;

  @Mixin private ModelChoice model;

  @Option(
      names = {"-n", "--predict"},
      paramLabel = "N",
      description = "The most tokens of an answer (default ${DEFAULT-VALUE}).")
  private int maxTokens = 256;

  @Option(names = "--system", paramLabel = "TEXT", description = "A text before all that is said.")
  private String system = "";

  @Mixin private SamplingChoice sampling;

  ChatCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (maxTokens < 1) {
      throw new UsageException("-n must be 1 or more, not " + maxTokens);
    }
    GenerationOptions options =
        new GenerationOptions(maxTokens, sampling.options(), List.of(), false);
    try (LanguageModel opened = model.open();
        Conversation conversation = new Conversation(opened, options, system);
        ChatInput input = input()) {
      talk(conversation, input);
    }
    return ExitCode.DONE;
  }

  private ChatInput input() throws IOException {
    if (!console.isInteractive()) {
      return new PipedChatInput(console);
    }
    console.note(COMMANDS);
    return TerminalChatInput.open(console);
  }

  private void talk(Conversation conversation, ChatInput input) throws IOException {
    for (Optional<String> line = input.readLine(); line.isPresent(); line = input.readLine()) {
      String message = line.get().strip();
      switch (message) {
        case "" -> {}
        case "/exit" -> {
          return;
        }
        case "/help" -> console.note(COMMANDS);
        case "/reset" -> conversation.reset();
        case String command when command.startsWith("/") ->
            console.note(command + " is not a command; " + COMMANDS);
        default -> answer(conversation, message, input);
      }
    }
  }

  private void answer(Conversation conversation, String message, ChatInput input)
      throws IOException {
    boolean[] begun = new boolean[1];
    conversation.answer(
        message,
        piece -> {
          String shown = begun[0] ? piece : piece.stripLeading();
          begun[0] |= !shown.isEmpty();
          console.print(shown);
          return !input.stopsAnswer();
        });
    console.print("\n");
  }
}
