package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KernelChoiceTest {
  private static final String VECTOR_MODULE = "--add-modules=jdk.incubator.vector";

  private static final String NO_NATIVE = "-Dmamba4j.native=off";

  @Test
  void prefersTheFastestNativeLibraryAndTriesNoOther() throws IOException {
    KernelChoice choice = KernelChoice.decide(Optional.empty());
    Optional<InstructionSet> fastest = NativeSets.expected().findFirst();
    assertThat(choice.kernels().name()).isEqualTo(fastest.isPresent() ? "native" : "vector");
    if (fastest.isPresent()) {
      assertThat(choice.reasons())
          .containsExactly(
              "native: C, " + fastest.get().description(),
              "vector: not needed",
              "scalar: not needed");
    }
  }

  @Test
  void prefersVectorsWhereNothingIsNative() throws IOException, InterruptedException {
    assertThat(decideElsewhere(VECTOR_MODULE, NO_NATIVE))
        .isEqualTo(
            """
            vector
            native: not available: -Dmamba4j.native=off
            vector: Vector API, %d bits
            scalar: not needed
            """
                .formatted(Lanes.FLOATS.vectorBitSize()));
  }

  @Test
  void needsNoVectorModuleForNativeKernels() throws IOException, InterruptedException {
    for (InstructionSet set : NativeSets.expected().toList()) {
      assertThat(decideElsewhere("-Dmamba4j.native.isa=" + set.id()))
          .startsWith("native\nnative: C, " + set.description() + "\n");
    }
  }

  @Test
  void refusesAnInstructionSetThatIsNotOfThisMachine() throws IOException, InterruptedException {
    assertThat(decideElsewhere("-Dmamba4j.native.isa=mmx", "-Dmamba4j.kernels=native"))
        .startsWith("refused: mamba4j.kernels=native does not work here")
        .contains("native: not available: none for ", " and mmx;");
  }

  @Test
  void takesWhatIsAskedFor() {
    assertThat(KernelChoice.decide(Optional.of("scalar")).kernels().name()).isEqualTo("scalar");
    assertThat(KernelChoice.decide(Optional.of("vector")).kernels().name()).isEqualTo("vector");
  }

  @Test
  void refusesWhatItDoesNotKnowAndSaysWhatThereIs() {
    assertThatThrownBy(() -> KernelChoice.decide(Optional.of("nonsense")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("mamba4j.kernels=nonsense does not work here; there is native: ")
        .hasMessageContaining("; vector: Vector API, ")
        .hasMessageEndingWith("; scalar: plain Java loops");
  }

  @Test
  void readsTheSystemProperty() throws IOException, InterruptedException {
    assertThat(decideElsewhere(VECTOR_MODULE, "-Dmamba4j.kernels=vector")).startsWith("vector\n");
    assertThat(decideElsewhere(VECTOR_MODULE, "-Dmamba4j.kernels=scalar")).startsWith("scalar\n");
    assertThat(decideElsewhere(VECTOR_MODULE, "-Dmamba4j.kernels=nonsense"))
        .startsWith("refused: mamba4j.kernels=nonsense does not work here");
  }

  @Test
  void isScalarWithoutNativeKernelsAndVectorModuleAndSaysWhy()
      throws IOException, InterruptedException {
    assertThat(decideElsewhere(NO_NATIVE))
        .isEqualTo(
            """
            scalar
            native: not available: -Dmamba4j.native=off
            vector: not available: start Java with --add-modules jdk.incubator.vector to have it
            scalar: plain Java loops
            """);
    assertThat(decideElsewhere("-Dmamba4j.kernels=vector"))
        .startsWith("refused: mamba4j.kernels=vector does not work here; there is native: ")
        .contains("start Java with --add-modules jdk.incubator.vector to have it");
  }

  @Test
  void isScalarWhereVectorsAreTooNarrowAndSaysWhy() throws IOException, InterruptedException {
    assertThat(decideElsewhere(VECTOR_MODULE, NO_NATIVE, "-XX:MaxVectorSize=8"))
        .contains("vector: not available: vectors here have 64 bits")
        .startsWith("scalar\n");
  }

  /** What {@link Decision} prints in a JVM of its own with these arguments. */
  private static String decideElsewhere(String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx64m");
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of(arguments));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Decision.class.getName()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (var output = process.getInputStream()) {
      String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).isZero();
      return text;
    }
  }

  /** Prints the choice of its JVM and the reasons. */
  static final class Decision {
    private Decision() {}

    public static void main(String[] args) {
      try {
        KernelChoice choice = KernelChoice.decide();
        System.out.println(choice.kernels().name());
        choice.reasons().forEach(System.out::println);
      } catch (IllegalArgumentException e) {
        System.out.println("refused: " + e.getMessage());
      }
    }
  }
}
