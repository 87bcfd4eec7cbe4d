package dev.mamba4j.cli;

import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.StatePacking;
import dev.mamba4j.engine.sampling.OptionException;
import dev.mamba4j.engine.template.TemplateException;
import dev.mamba4j.serve.Server;
import dev.mamba4j.serve.ServerOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A model behind HTTP. */
@Command(
    name = "serve",
    description = {
      "Serves a model: OpenAI's API, and a page to chat at /.",
      "",
      "States at the ends of prompts are remembered, so a prompt seen before is not read again;"
          + " with --state-folder not even after a restart. Ctrl-C lets answers end, for half a"
          + " minute at most."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j serve -m tiny.gguf",
      "  mamba4j serve -m tiny.gguf --host 0.0.0.0 --api-key-file keys.txt --state-folder states"
    })
final class ServeCommand implements Callable<Integer> {
  private static final Duration GRACE = Duration.ofSeconds(30);

  private final Console console;

  @Mixin private ModelChoice model;

  @Mixin private TemplateChoice template;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Address to listen at (default ${DEFAULT-VALUE}: this machine only).")
  private String host = "127.0.0.1";

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "Port (default ${DEFAULT-VALUE}); 0 for any that is free.")
  private int port = 8080;

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      description = "A key that clients must show; may be given more than once.")
  private List<String> keys = List.of();

  @Option(
      names = "--api-key-file",
      paramLabel = "FILE",
      description = "A file with a key on each line.")
  private Path keyFile;

  @Option(
      names = "--cors",
      paramLabel = "ORIGIN",
      description = "Let pages of another origin call, * for all; may be given more than once.")
  private List<String> origins = List.of();

  @Option(names = "--alias", paramLabel = "NAME", description = "What clients call the model.")
  private String alias;

  @Option(
      names = "--parallel",
      paramLabel = "N",
      description = "Sequences that run at the same time (default ${DEFAULT-VALUE}).")
  private int parallel = ServerOptions.Limits.defaults().parallel();

  @Option(
      names = "--queue",
      paramLabel = "N",
      description = "Sequences that may wait; then 429 (default ${DEFAULT-VALUE}).")
  private int queue = ServerOptions.Limits.defaults().queue();

  @Option(
      names = "--max-prompt",
      paramLabel = "N",
      description = "Tokens of a prompt (default ${DEFAULT-VALUE}).")
  private int maxPrompt = ServerOptions.Limits.defaults().maxPrompt();

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "The most tokens of an answer (default ${DEFAULT-VALUE}).")
  private int maxTokens = ServerOptions.Limits.defaults().maxTokens();

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description = "How long a request may run (default ${DEFAULT-VALUE}).")
  private long timeout = ServerOptions.Limits.defaults().patience().toSeconds();

  @Option(
      names = "--state-memory",
      paramLabel = "MIB",
      description = "Memory for remembered states (default ${DEFAULT-VALUE}); 0 for none.")
  private long stateMemory = ServerOptions.States.defaults().memory() >> 20;

  @Option(
      names = "--state-folder",
      paramLabel = "DIR",
      description = "Where remembered states outlast the server.")
  private Path stateFolder;

  @Option(
      names = "--state-disk",
      paramLabel = "MIB",
      description = "The most that the folder may hold (default ${DEFAULT-VALUE}).")
  private long stateDisk = ServerOptions.States.defaults().disk() >> 20;

  @Option(
      names = "--state-packing",
      paramLabel = "int8|half|float",
      description = "How states are remembered; float loses nothing (default int8).")
  private StatePacking packing = StatePacking.INT8;

  ServeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    ServerOptions options = options();
    try (LanguageModel opened = model.open();
        Server server = start(opened, options)) {
      CountDownLatch stopped = new CountDownLatch(1);
      Thread hook = Thread.ofPlatform().unstarted(() -> stop(server, stopped)); // Ctrl-C or SIGTERM
      Runtime.getRuntime().addShutdownHook(hook);
      console.note("serving " + options.modelName() + " at " + url(server) + " (Ctrl-C stops)");
      stopped.await();
      return ExitCode.DONE;
    } catch (InterruptedException _) {
      return ExitCode.INTERRUPTED;
    }
  }

  /** A model whose template is of no use can do the rest, but whoever starts it is to know. */
  private Server start(LanguageModel opened, ServerOptions options) throws IOException {
    Optional<ChatFormat> format = template.format(opened);
    if (format.isPresent()) {
      return Server.start(opened, options, format.get());
    }
    try {
      opened.chatFormat();
    } catch (TemplateException e) {
      console.note(
          "%s: %s; chats will be refused, completions work; give another with --chat-template"
              .formatted(model.file(), ErrorMessages.of(e)));
    }
    return Server.start(opened, options);
  }

  private static void stop(Server server, CountDownLatch stopped) {
    server.stop(GRACE);
    stopped.countDown();
  }

  private String url(Server server) {
    String shown = host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
    return "http://" + (shown.contains(":") ? "[" + shown + "]" : shown) + ":" + server.port();
  }

  private ServerOptions options() throws IOException {
    String name = alias != null ? alias : name(model.file());
    try {
      return new ServerOptions(
          host,
          port,
          name,
          apiKeys(),
          origins,
          new ServerOptions.Limits(
              parallel,
              queue,
              ServerOptions.Limits.defaults().maxBody(),
              maxPrompt,
              maxTokens,
              Duration.ofSeconds(timeout)),
          new ServerOptions.States(
              stateMemory << 20, Optional.ofNullable(stateFolder), stateDisk << 20, packing));
    } catch (OptionException e) {
      throw new UsageException(e.messageFor(optionName(e.option())));
    }
  }

  /** What an option of the server is called here: maxPrompt is --max-prompt. */
  private static String optionName(String option) {
    return switch (option) {
      case "patience" -> "--timeout";
      case "memory" -> "--state-memory";
      case "disk" -> "--state-disk";
      default -> "--" + option.replaceAll("[A-Z]", "-$0").toLowerCase(Locale.ROOT);
    };
  }

  private static String name(Path file) {
    return file.getFileName().toString().replaceFirst("\\.gguf$", "");
  }

  private List<String> apiKeys() throws IOException {
    List<String> all = new ArrayList<>(keys);
    if (keyFile != null) {
      List<String> inFile =
          Files.readAllLines(keyFile).stream()
              .map(String::strip)
              .filter(line -> !line.isEmpty() && !line.startsWith("#"))
              .toList();
      if (inFile.isEmpty()) {
        throw new IOException(keyFile + ": holds no API key; write one on each line");
      }
      all.addAll(inFile);
    }
    if (all.stream().anyMatch(String::isBlank)) {
      throw new UsageException("--api-key must not be empty");
    }
    return all;
  }
}
