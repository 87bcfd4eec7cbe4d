package dev.mamba4j.kernels;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The C library of one instruction set, loaded, and the addresses of its functions; see {@code
 * mamba4j.h}. It stays loaded as long as the JVM runs.
 */
record NativeLibrary(
    InstructionSet set,
    MemorySegment rmsNorm,
    MemorySegment quantize,
    MemorySegment multiply,
    MemorySegment convolve,
    MemorySegment scan) {
  /** What {@code MAMBA4J_INTERFACE} in {@code mamba4j.h} must be. */
  static final int INTERFACE = 1;

  /** {@code off} keeps native libraries from being loaded. */
  static final String PROPERTY = "mamba4j.native";

  /** Names an instruction set to use in place of the fastest. */
  static final String SET_PROPERTY = "mamba4j.native.isa";

  /**
   * The fastest library that works here, or the one that the properties name.
   *
   * @throws UnsupportedOperationException with the reasons, if none works
   */
  static NativeLibrary load() {
    if ("off".equals(System.getProperty(PROPERTY))) {
      throw new UnsupportedOperationException("-D" + PROPERTY + "=off");
    }
    Optional<String> wanted = Optional.ofNullable(System.getProperty(SET_PROPERTY));
    List<String> reasons = new ArrayList<>();
    for (InstructionSet set : InstructionSet.ofThisArchitecture()) {
      if (wanted.isEmpty() || wanted.get().equals(set.id())) {
        try {
          return load(set);
        } catch (UnsupportedOperationException e) {
          reasons.add(e.getMessage());
        }
      }
    }
    throw new UnsupportedOperationException(
        reasons.isEmpty() ? none(wanted) : String.join("; ", reasons));
  }

  private static String none(Optional<String> wanted) {
    String platform = System.getProperty("os.name") + " on " + System.getProperty("os.arch");
    return "none for " + platform + wanted.map(id -> " and " + id).orElse("");
  }

  /**
   * The library of one instruction set.
   *
   * @throws UnsupportedOperationException with the reason, if it does not work
   */
  static NativeLibrary load(InstructionSet set) {
    try {
      Path file = LibraryFile.of(set.resource());
      return of(set, file, SymbolLookup.libraryLookup(file, Arena.global()));
    } catch (NoSuchFileException e) {
      throw new UnsupportedOperationException(
          "no library for " + set.description() + ", it was built without a C compiler", e);
    } catch (IOException | RuntimeException e) {
      throw e instanceof UnsupportedOperationException unsupported
          ? unsupported
          : new UnsupportedOperationException(set.description() + ": " + reason(e), e);
    }
  }

  /**
   * The functions of a library that has been loaded.
   *
   * @throws UnsupportedOperationException with the reason, if it is of another version or not for
   *     this machine
   */
  static NativeLibrary of(InstructionSet set, Path file, SymbolLookup functions) {
    Optional<Integer> number = functions.find("mamba4j_interface").map(NativeLibrary::number);
    if (!number.equals(Optional.of(INTERFACE))) {
      throw new UnsupportedOperationException(
          "%s: %s is of another version (its interface is %s, not %d); build again or remove it"
              .formatted(
                  set.description(), file, number.map(String::valueOf).orElse("none"), INTERFACE));
    }
    if (functions.find("mamba4j_supported").map(NativeLibrary::number).orElse(0) == 0) {
      throw new UnsupportedOperationException("this machine has no " + set.description());
    }
    return new NativeLibrary(
        set,
        functions.findOrThrow("mamba4j_rms_norm"),
        functions.findOrThrow("mamba4j_quantize"),
        functions.findOrThrow("mamba4j_multiply"),
        functions.findOrThrow("mamba4j_convolve"),
        functions.findOrThrow("mamba4j_scan"));
  }

  /** The value of a variable; to link a function for it would take milliseconds. */
  private static int number(MemorySegment variable) {
    return variable.reinterpret(4).get(ValueLayout.JAVA_INT, 0);
  }

  /** With what it was tried on and failed, where there is more than one thing. */
  private static String reason(Exception e) {
    StringBuilder reason = new StringBuilder(String.valueOf(e.getMessage()));
    for (Throwable attempt : e.getSuppressed()) {
      reason.append(", ").append(attempt);
    }
    return reason.toString();
  }
}
