package dev.mamba4j.cli;

import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Session;
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
      "The conversation becomes a text by the chat template of the file, or without one with User:"
          + " and Assistant: in turn; a base model was not trained to answer, and it shows. Lines"
          + " may be piped in.",
      "",
      "With --session the conversation is kept after each answer, as the state of the model, and"
          + " goes on another time without being read again. mamba4j sessions lists them."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j chat -m tiny.gguf --system \"A child asks for stories.\"",
      "  mamba4j chat -m tiny.gguf --session pets"
    })
final class ChatCommand implements Callable<Integer> {
  private static final String COMMANDS =
      "/reset forgets all that was said; /exit or Ctrl-D leaves; Ctrl-C ends an answer";

  private final Console console;

  @Mixin private ModelChoice model;

  @Mixin private TemplateChoice template;

  @Option(
      names = {"-n", "--predict"},
      paramLabel = "N",
      description = "The most tokens of an answer (default ${DEFAULT-VALUE}).")
  private int maxTokens = 256;

  @Option(names = "--system", paramLabel = "TEXT", description = "A text before all that is said.")
  private String system = "";

  @Option(
      names = "--session",
      paramLabel = "NAME",
      description = "Go on with the conversation of this name, or begin it.")
  private String name;

  @Mixin private SessionPlace place;

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
        Conversation conversation = conversation(opened, options);
        ChatInput input = input()) {
      talk(conversation, input);
    }
    return ExitCode.DONE;
  }

  private Conversation conversation(LanguageModel opened, GenerationOptions options)
      throws IOException {
    Optional<ChatFormat> chosen = template.format(opened);
    ChatFormat format = chosen.isPresent() ? chosen.get() : opened.chatFormat();
    Optional<Session> kept = name == null ? Optional.empty() : kept(opened);
    if (kept.isEmpty()) {
      return new Conversation(opened, format, options, system);
    }
    int tokens = kept.get().tokens().size();
    if (!system.isEmpty()) {
      kept.get().close();
      throw new UsageException(
          "--system comes before all that is said, and session \"%s\" has %d tokens already"
              .formatted(name, tokens));
    }
    console.note("session %s goes on after %d tokens".formatted(name, tokens));
    return new Conversation(opened, format, options, kept.get());
  }

  private Optional<Session> kept(LanguageModel opened) throws IOException {
    try {
      return place.folder().open(opened, name);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e);
    }
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
    if (name != null) {
      place.folder().save(conversation.session(), name);
    }
  }
}
