package dev.mamba4j.cli;

import dev.mamba4j.engine.ModelOptions;
import picocli.CommandLine.Option;

/** The option that says how many threads run a model. */
final class ThreadChoice {
  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "Threads to use; by default MAMBA4J_THREADS, else one a fast processor.")
  private Integer threads;

  /**
   * The default options with these threads.
   *
   * @throws UsageException if the option, or the variable that stands in for it, makes no sense
   */
  ModelOptions options() {
    try {
      ModelOptions options = ModelOptions.defaults();
      return threads == null ? options : options.withThreads(threads);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e);
    }
  }
}
