package dev.mamba4j.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Which {@link Kernels} run here, and why: the fastest that works, or the one that the system
 * property {@code mamba4j.kernels} names. What does not work costs speed and is explained, never a
 * crash.
 *
 * @param kernels the implementation that was chosen
 * @param reasons one line for each implementation, the fastest first: what it is or why it is not
 *     used
 */
public record KernelChoice(Kernels kernels, List<String> reasons) {
  /** Names an implementation to use in place of the fastest. */
  public static final String PROPERTY = "mamba4j.kernels";

  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  private record Candidate(String name, Supplier<Kernels> make) {}

  /** The fastest first. */
  private static final List<Candidate> CANDIDATES =
      List.of(
          new Candidate("native", () -> new NativeKernels(NativeLibrary.load())),
          new Candidate("vector", KernelChoice::vector),
          new Candidate("scalar", ScalarKernels::new));

  /** Copies the reasons. */
  public KernelChoice {
    reasons = List.copyOf(reasons);
  }

  /**
   * Decides for this machine and JVM.
   *
   * @throws IllegalArgumentException if the property names an implementation that is unknown or
   *     does not work here
   */
  public static KernelChoice decide() {
    return decide(Optional.ofNullable(System.getProperty(PROPERTY)));
  }

  /** Decides as if the property had this value. */
  public static KernelChoice decide(Optional<String> wanted) {
    List<String> reasons = new ArrayList<>();
    List<Kernels> working = new ArrayList<>();
    for (Candidate candidate : CANDIDATES) {
      // What will not be used is not even tried: it would cost time at every start.
      if (!working.isEmpty() && wanted.isEmpty()) {
        reasons.add(candidate.name + ": not needed");
        continue;
      }
      try {
        working.add(candidate.make.get());
        reasons.add(candidate.name + ": " + working.getLast().description());
      } catch (UnsupportedOperationException | LinkageError e) {
        reasons.add(candidate.name + ": not available: " + e.getMessage());
      }
    }
    return new KernelChoice(choose(wanted, working, reasons), reasons);
  }

  private static Kernels choose(
      Optional<String> wanted, List<Kernels> working, List<String> reasons) {
    if (wanted.isEmpty()) {
      return working.getFirst();
    }
    for (Kernels kernels : working) {
      if (kernels.name().equals(wanted.get())) {
        return kernels;
      }
    }
    throw new IllegalArgumentException(
        PROPERTY
            + "="
            + wanted.get()
            + " does not work here; there is "
            + String.join("; ", reasons));
  }

  private static Kernels vector() {
    if (ModuleLayer.boot().findModule(VECTOR_MODULE).isEmpty()) {
      throw new UnsupportedOperationException(
          "start Java with --add-modules " + VECTOR_MODULE + " to have it");
    }
    if (!Lanes.USABLE) {
      throw new UnsupportedOperationException(
          "vectors here have " + Lanes.FLOATS.vectorBitSize() + " bits, not 128 to 512");
    }
    return new VectorKernels();
  }
}
