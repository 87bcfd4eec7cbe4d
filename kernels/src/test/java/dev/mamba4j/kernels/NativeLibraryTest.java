package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class NativeLibraryTest {
  @Test
  void loadsTheFastestOfThoseThatTheMachineHas() throws IOException {
    List<InstructionSet> expected = NativeSets.expected().toList();
    if (!expected.isEmpty()) {
      assertThat(NativeLibrary.load().set()).isEqualTo(expected.getFirst());
    }
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
