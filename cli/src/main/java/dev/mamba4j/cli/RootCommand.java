package dev.mamba4j.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command without a subcommand: help and version, and what all commands take. */
@Command(
    name = "mamba4j",
    synopsisSubcommandLabel = "COMMAND",
    versionProvider = RootCommand.Version.class,
    description = "Compresses Mamba-2 language models and runs them on small CPUs.",
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%n",
    footer = {
      "",
      "Examples:",
      "  mamba4j convert models/tiny -o tiny.gguf",
      "  mamba4j quantize tiny.gguf -o tiny-q8.gguf --type Q8_0",
      "  mamba4j generate -m tiny-q8.gguf -p \"Once upon a time\" -n 64",
      "",
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.",
      "Environment: MAMBA4J_THREADS (number of threads), MAMBA4J_JAVA_OPTS (options for Java)."
    })
final class RootCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help and exit.")
  @SuppressWarnings("UnusedVariable") // picocli acts when it is given
  private boolean help;

  @Option(names = "--version", versionHelp = true, description = "Show the version and exit.")
  @SuppressWarnings("UnusedVariable") // picocli acts when it is given
  private boolean version;

  @Option(names = "--debug", hidden = true, scope = ScopeType.INHERIT)
  private boolean debug;

  /** Whether stack traces are wanted. */
  boolean debug() {
    return debug;
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return ExitCode.WRONG_USAGE;
  }

  /** Our version and what we run on. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "mamba4j %s (Java %s, %s %s)"
            .formatted(
                version(),
                Runtime.version(),
                System.getProperty("os.name"),
                System.getProperty("os.arch"))
      };
    }

    /** From the manifest of the jar; there is none when classes run from a folder. */
    static String version() {
      String version = Main.class.getPackage().getImplementationVersion();
      return version == null ? "development version" : version;
    }
  }
}
