package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The libraries are made of the instructions that they are there for; looked up with objdump, where
 * that and the library are found.
 */
class NativeInstructionsTest {
  @ParameterizedTest
  @CsvSource({
    "AVX512, vpdpbusd, x86_64-linux-gnu-objdump",
    "AVX512, vpdpwssd, x86_64-linux-gnu-objdump",
    "AVX2, vpmaddubsw, x86_64-linux-gnu-objdump",
    "AVX2, vfmadd, x86_64-linux-gnu-objdump",
    "NEON, sdot, aarch64-linux-gnu-objdump",
    "NEON, fmla, aarch64-linux-gnu-objdump",
  })
  void librariesUseTheirInstructions(InstructionSet set, String instruction, String program)
      throws IOException, InterruptedException {
    Optional<Path> objdump = find(program);
    Optional<Path> library = library(set);
    if (objdump.isPresent() && library.isPresent()) {
      List<String> command =
          List.of(objdump.get().toString(), "-d", "--no-show-raw-insn", library.get().toString());
      Process process = new ProcessBuilder(command).start();
      try (var output = process.getInputStream()) {
        String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        assertThat(text.split(instruction + "[0-9a-z]*\\s", -1)).hasSizeGreaterThan(20);
      }
    }
  }

  private static Optional<Path> library(InstructionSet set) throws IOException {
    try {
      return Optional.of(LibraryFile.of(set.resource()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private static Optional<Path> find(String program) {
    return Stream.of(System.getenv("PATH").split(":"))
        .map(folder -> Path.of(folder, program))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
