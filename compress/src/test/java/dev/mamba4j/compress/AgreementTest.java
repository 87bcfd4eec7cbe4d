package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.KernelChoice;
import dev.mamba4j.kernels.Vectors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Prefill gives what steps give, to the last bit: the logits at every position, and the state it
 * leaves.
 */
class AgreementTest {
  /** Around the blocks that prefill and the kernels work in. */
  private static final int[] LENGTHS = {1, 2, 3, 4, 5, 7, 9, 31, 32, 33, 63, 65, 127, 128, 129};

  @TempDir private static Path folder;

  static Stream<Arguments> cases() {
    List<TensorType> all =
        Arrays.stream(TensorType.values()).filter(TensorType::canEncode).toList();
    List<TensorType> few = List.of(TensorType.F16, TensorType.Q8_0, TensorType.Q4_K);
    Stream<Arguments> tiny =
        Stream.concat(
            all.stream().map(type -> Arguments.of("tiny", type, "native", 140)),
            few.stream()
                .flatMap(
                    type ->
                        Stream.of(
                            Arguments.of("tiny", type, "vector", 40),
                            Arguments.of("tiny", type, "scalar", 8))));
    Stream<Arguments> shapes =
        Fixtures.SHAPES.stream()
            .flatMap(
                shape ->
                    Stream.of("native", "vector", "scalar")
                        .flatMap(
                            kernels ->
                                few.stream()
                                    .map(
                                        type ->
                                            Arguments.of(
                                                shape,
                                                type,
                                                kernels,
                                                kernels.equals("native") ? 1000 : 140))));
    return Stream.concat(tiny, shapes)
        .filter(arguments -> !arguments.get()[2].equals("native") || nativeWorks());
  }

  private static boolean nativeWorks() {
    return KernelChoice.decide(Optional.empty()).kernels().name().equals("native");
  }

  @ParameterizedTest
  @MethodSource("cases")
  void prefillGivesTheLogitsAndTheStateOfSteps(
      String checkpoint, TensorType type, String kernels, int length) throws IOException {
    Path file = folder.resolve(checkpoint + type + ".gguf");
    if (Files.notExists(file)) {
      Fixtures.write(Fixtures.checkpoint(checkpoint), type, file);
    }
    for (Precision precision : Precision.values()) {
      ModelOptions options = new ModelOptions(2, precision, Optional.of(kernels));
      try (LanguageModel model = LanguageModel.open(file, options)) {
        Agreement agreement = new Agreement(model.mamba2(), length);
        agreement.check(length, 0);
        for (int prompt : LENGTHS) {
          if (prompt < length) {
            agreement.check(prompt, prompt - 1);
          }
        }
      }
    }
  }

  /** Random tokens, and the logits of steps. */
  private static final class Agreement {
    private final Mamba2 model;
    private final int[] tokens;
    private final float[][] expected;

    Agreement(Mamba2 model, int length) {
      this.model = model;
      int vocabulary = model.config().vocabulary();
      tokens = new Random(length).ints(length + 1, 0, vocabulary).toArray();
      expected = new float[tokens.length][vocabulary];
      try (Mamba2State state = model.newState()) {
        for (int i = 0; i < tokens.length; i++) {
          model.step(state, tokens[i], expected[i]);
        }
      }
    }

    /**
     * A prompt of the first tokens: its logits from a position on, and those of a step after it.
     */
    void check(int prompt, int first) {
      float[] logits = new float[model.config().vocabulary()];
      try (Mamba2State state = model.newState()) {
        PrefillListener compare =
            new PrefillListener() {
              @Override
              public int firstLogits(int total) {
                return first;
              }

              @Override
              public void logits(int position, Vectors all, int row) {
                all.read(row, logits);
                compare(logits, position);
              }
            };
        assertThat(model.prefill(state, Arrays.copyOf(tokens, prompt), compare)).isTrue();
        model.step(state, tokens[prompt], logits);
        compare(logits, prompt);
      }
    }

    private void compare(float[] logits, int position) {
      assertThat(logits).as("at %d", position).containsExactly(expected[position]);
    }
  }
}
