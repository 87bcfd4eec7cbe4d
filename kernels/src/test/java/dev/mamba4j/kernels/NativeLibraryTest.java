package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class NativeLibraryTest {
  @Test
  void loadsTheFastestOfThoseThatTheMachineHas() throws IOException {
    List<InstructionSet> expected = NativeSets.expected().toList();
    if (!expected.isEmpty()) {
      assertThat(NativeLibrary.load().set()).isEqualTo(expected.getFirst());
    }
  }

  /** Its functions may take other operands: calling them would crash. */
  @Test
  void refusesALibraryOfAnotherVersion() {
    Path file = Path.of("libmamba4j-neon.so");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment next = arena.allocateFrom(ValueLayout.JAVA_INT, NativeLibrary.INTERFACE + 1);
      SymbolLookup newer =
          name -> name.equals("mamba4j_interface") ? Optional.of(next) : Optional.empty();
      assertThatThrownBy(() -> NativeLibrary.of(InstructionSet.NEON, file, newer))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessage(
              "NEON with dot products: libmamba4j-neon.so is of another version (its interface is"
                  + " %d, not %d); build again or remove it",
              NativeLibrary.INTERFACE + 1, NativeLibrary.INTERFACE);
    }
    assertThatThrownBy(() -> NativeLibrary.of(InstructionSet.NEON, file, _ -> Optional.empty()))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("its interface is none");
  }

  /** What the number stands for; raise it in both places when this changes. */
  @Test
  void numbersTheInterface() throws IOException, NoSuchAlgorithmException {
    String header = Files.readString(Path.of("src/main/c/mamba4j.h"));
    assertThat(header).contains("#define MAMBA4J_INTERFACE " + NativeLibrary.INTERFACE + "\n");
    String declarations =
        Pattern.compile("^EXPORT [^;]*;", Pattern.MULTILINE)
            .matcher(header)
            .results()
            .map(declaration -> declaration.group().replaceAll("\\s+", " "))
            .collect(Collectors.joining("\n"));
    byte[] digest =
        MessageDigest.getInstance("SHA-256").digest(declarations.getBytes(StandardCharsets.UTF_8));
    assertThat(HexFormat.of().formatHex(digest, 0, 8)).isEqualTo("19778cd882a9bd2d");
  }

  @Test
  void saysWhyALibraryDoesNotWork() {
    List<InstructionSet> here = InstructionSet.ofThisArchitecture();
    Arrays.stream(InstructionSet.values())
        .filter(set -> !here.contains(set))
        .forEach(
            set ->
                assertThatThrownBy(() -> NativeLibrary.load(set))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining(set.description()));
  }
}
