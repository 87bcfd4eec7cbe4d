package dev.mamba4j.engine;

import dev.mamba4j.kernels.KernelChoice;
import dev.mamba4j.kernels.Processors;
import java.util.Optional;

/**
 * How a model is run.
 *
 * @param threads size of the worker team, at least 1
 * @param precision what the inputs of matrix products are
 * @param kernels name of the {@link dev.mamba4j.kernels.Kernels} to use in place of the fastest
 */
public record ModelOptions(int threads, Precision precision, Optional<String> kernels) {
  private static final String THREADS_VARIABLE = "MAMBA4J_THREADS";

  /** Checks the number of threads. */
  public ModelOptions {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException("the number of threads must be 1 to 1024, not " + threads);
    }
  }

  /**
   * As many threads as there are fast processors, or as the environment variable {@code
   * MAMBA4J_THREADS} says; the fastest kernels, or those of {@code -Dmamba4j.kernels}.
   *
   * @throws IllegalArgumentException if the variable is not a number of threads
   */
  public static ModelOptions defaults() {
    return new ModelOptions(
        defaultThreads(),
        Precision.FAST,
        Optional.ofNullable(System.getProperty(KernelChoice.PROPERTY)));
  }

  private static int defaultThreads() {
    String variable = System.getenv(THREADS_VARIABLE);
    if (variable == null || variable.isBlank()) {
      return Processors.ofThisProcess().defaultThreads();
    }
    try {
      return Integer.parseInt(variable.strip());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          THREADS_VARIABLE + " must be a number of threads, not \"" + variable + "\"", e);
    }
  }

  /** The same with another number of threads. */
  public ModelOptions withThreads(int number) {
    return new ModelOptions(number, precision, kernels);
  }

  /** The same with another precision. */
  public ModelOptions withPrecision(Precision other) {
    return new ModelOptions(threads, other, kernels);
  }

  /** The same with kernels named. */
  public ModelOptions withKernels(String name) {
    return new ModelOptions(threads, precision, Optional.of(name));
  }
}
