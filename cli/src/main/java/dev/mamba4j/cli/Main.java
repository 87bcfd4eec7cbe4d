package dev.mamba4j.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Runs the command that the arguments name. */
public final class Main {
  private static final String NAME = "mamba4j: ";

  /** In the order in which the help lists them. */
  private static final List<String> COMMANDS =
      List.of(
          "demo",
          "convert",
          "calibrate",
          "quantize",
          "generate",
          "chat",
          "sessions",
          "score",
          "perplexity",
          "eval",
          "bench",
          "report",
          "reproduce",
          "serve",
          "inspect",
          "pull",
          "doctor");

  private final Console console;
  private final RootCommand root = new RootCommand();

  private Main(Console console) {
    this.console = console;
  }

  /** The process: {@link ExitCode} says how it ends. */
  public static void main(String[] arguments) {
    System.exit(run(Console.system(), arguments));
  }

  /** A command from its arguments to its exit code. */
  static int run(Console console, String... arguments) {
    return new Main(console).run(arguments);
  }

  private int run(String... arguments) {
    try {
      int code = commandLine(arguments).execute(arguments);
      return console.interruption().requested() ? ExitCode.INTERRUPTED : code;
    } catch (Error e) { // picocli hands on exceptions only
      return fail(e);
    } finally {
      console.interruption().finish();
    }
  }

  /**
   * To read the annotations of all commands takes longer than all else that happens before a model
   * runs, so the one that is asked for is made alone.
   */
  private CommandLine commandLine(String... arguments) {
    CommandLine all = new CommandLine(root);
    boolean one = arguments.length > 0 && COMMANDS.contains(arguments[0]);
    for (String name : one ? List.of(arguments[0]) : COMMANDS) {
      all.addSubcommand(command(name));
    }
    all.getSubcommands().values().forEach(Main::layOutHelp);
    return all.setOut(new PrintWriter(console.out(), true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(console.err(), true, StandardCharsets.UTF_8))
        .setColorScheme(Help.defaultColorScheme(Ansi.OFF))
        .setUsageHelpWidth(100)
        .setUsageHelpAutoWidth(false)
        .setExpandAtFiles(false) // a prompt may start with @
        .setAllowOptionsAsOptionParameters(false)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler((e, _) -> wrongUsage(e))
        .setExecutionExceptionHandler((e, command, _) -> fail(e, command));
  }

  private Object command(String name) {
    return switch (name) {
      case "demo" -> new DemoCommand(console);
      case "convert" -> new ConvertCommand(console);
      case "calibrate" -> new CalibrateCommand(console);
      case "quantize" -> new QuantizeCommand(console);
      case "generate" -> new GenerateCommand(console);
      case "chat" -> new ChatCommand(console);
      case "sessions" -> new SessionsCommand(console);
      case "score" -> new ScoreCommand(console);
      case "perplexity" -> new PerplexityCommand(console);
      case "eval" -> new EvalCommand(console);
      case "bench" -> new BenchCommand(console);
      case "report" -> new ReportCommand(console);
      case "reproduce" -> new ReproduceCommand(console);
      case "serve" -> new ServeCommand(console);
      case "inspect" -> new InspectCommand(console);
      case "pull" -> new PullCommand(console);
      case "doctor" -> new DoctorCommand(console);
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static void layOutHelp(CommandLine command) {
    command
        .getCommandSpec()
        .usageMessage()
        .sortOptions(false)
        .sortSynopsis(false)
        .parameterListHeading("%n")
        .optionListHeading("%nOptions:%n");
  }

  private int wrongUsage(ParameterException e) {
    return wrongUsage(
        e instanceof UnmatchedArgumentException unmatched && !unmatched.isUnknownOption()
            ? unknownArgument(unmatched)
            : e.getMessage().replaceFirst("^Error: ", ""),
        e.getCommandLine());
  }

  private static String unknownArgument(UnmatchedArgumentException e) {
    String argument = "'" + e.getUnmatched().getFirst() + "'";
    boolean command = !e.getCommandLine().getSubcommands().isEmpty();
    String message = command ? argument + " is not a command" : "unexpected argument " + argument;
    return e.getSuggestions().isEmpty()
        ? message
        : message + "; did you mean " + e.getSuggestions().getFirst() + "?";
  }

  private int wrongUsage(String message, CommandLine command) {
    console.note(
        "%s%s (see %s --help)"
            .formatted(
                NAME, ErrorMessages.oneLine(message), command.getCommandSpec().qualifiedName()));
    return ExitCode.WRONG_USAGE;
  }

  private int fail(Exception failure, CommandLine command) {
    return failure instanceof UsageException e
        ? wrongUsage(e.getMessage(), command)
        : fail(failure);
  }

  private int fail(Throwable failure) {
    if (root.debug()) {
      failure.printStackTrace(console.err());
    }
    if (console.interruption().requested()) {
      console.note(NAME + "interrupted");
      return ExitCode.INTERRUPTED;
    }
    if (failure instanceof OutputException e && e.readerIsGone()) {
      return ExitCode.DONE;
    }
    console.note(NAME + ErrorMessages.of(failure));
    return ExitCode.FAILED;
  }
}
