package dev.mamba4j.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The native libraries that must work here, by what the system says about machine and compilers.
 */
final class NativeSets {
  private static final Pattern SPACE = Pattern.compile("\\s+");

  private NativeSets() {}

  /** None where there is no C compiler, since none was built then. */
  static Stream<InstructionSet> expected() throws IOException {
    return hasCompiler()
        ? InstructionSet.ofThisArchitecture().stream().filter(NativeSets::machineHas)
        : Stream.of();
  }

  static Stream<Kernels> kernels() throws IOException {
    return expected().map(set -> new NativeKernels(NativeLibrary.load(set)));
  }

  private static boolean hasCompiler() {
    return Arrays.stream(System.getenv("PATH").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "cc")));
  }

  private static boolean machineHas(InstructionSet set) {
    return switch (set) {
      case AVX2 -> flags().containsAll(List.of("avx2", "fma", "f16c"));
      case AVX512 ->
          flags()
              .containsAll(List.of("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"));
      case NEON -> true; // an emulator shows the processor of its host
    };
  }

  private static Set<String> flags() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("flags"))
          .flatMap(SPACE::splitAsStream)
          .collect(Collectors.toSet());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
