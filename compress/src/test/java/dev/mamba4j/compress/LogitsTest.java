package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.KernelChoice;
import dev.mamba4j.kernels.Vectors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The model against logits of mamba2_reference.py, a float64 NumPy implementation. */
class LogitsTest {
  private static final double BOUND = 1e-3;

  @TempDir private Path folder;

  /** Native kernels must be there where the build has a compiler for them: Linux. */
  static Stream<Arguments> cases() {
    List<String> kernels =
        Stream.of("native", "vector", "scalar")
            .filter(name -> !name.equals("native") || nativeWorks())
            .toList();
    return Stream.concat(Stream.of("tiny"), Fixtures.SHAPES.stream())
        .flatMap(
            name ->
                kernels.stream()
                    .flatMap(
                        kernel ->
                            Stream.of(1, 2).map(threads -> Arguments.of(name, kernel, threads))));
  }

  private static boolean nativeWorks() {
    return KernelChoice.decide(Optional.empty()).kernels().name().equals("native");
  }

  @Test
  void nativeKernelsWorkWhereTheBuildHasACompiler() {
    boolean expected =
        System.getProperty("os.name").equals("Linux")
            && List.of("amd64", "aarch64").contains(System.getProperty("os.arch"));
    if (expected) {
      assertThat(nativeWorks()).as("%s", KernelChoice.decide(Optional.empty()).reasons()).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void stepAndPrefillGiveTheReferenceLogits(String name, String kernels, int threads)
      throws IOException {
    check(name, new ModelOptions(threads, Precision.FAST, Optional.of(kernels)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void floatInputsGiveTheReferenceLogitsToo(String name, String kernels, int threads)
      throws IOException {
    check(name, new ModelOptions(threads, Precision.FLOAT, Optional.of(kernels)));
  }

  private void check(String name, ModelOptions options) throws IOException {
    JsonObject expected = Json.read(Fixtures.expectedLogits(name));
    int[] tokens = Fixtures.ids(expected.list("tokens"));
    List<?> rows = expected.list("logits");
    Path file =
        Fixtures.write(Fixtures.checkpoint(name), TensorType.F32, folder.resolve("model.gguf"));
    try (LanguageModel model = LanguageModel.open(file, options)) {
      checkSteps(model, tokens, rows);
      checkPrefill(model, tokens, rows);
    }
  }

  private static void checkSteps(LanguageModel model, int[] tokens, List<?> rows) {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    try (Mamba2State state = model.mamba2().newState()) {
      for (int i = 0; i < tokens.length; i++) {
        model.mamba2().step(state, tokens[i], logits);
        compare(logits, (List<?>) rows.get(i));
      }
    }
  }

  private static void checkPrefill(LanguageModel model, int[] tokens, List<?> rows) {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    try (Mamba2State state = model.mamba2().newState()) {
      int[] seen = new int[1];
      model
          .mamba2()
          .prefill(
              state,
              tokens,
              new PrefillListener() {
                @Override
                public int firstLogits(int total) {
                  return 0;
                }

                @Override
                public void logits(int position, Vectors all, int row) {
                  all.read(row, logits);
                  compare(logits, (List<?>) rows.get(position));
                  assertThat(position).isEqualTo(seen[0]++);
                }
              });
      assertThat(seen[0]).isEqualTo(tokens.length);
    }
  }

  /** Log-probabilities, since a constant added to all logits changes nothing. */
  private static void compare(float[] logits, List<?> expected) {
    float[] reference = new float[expected.size()];
    for (int i = 0; i < reference.length; i++) {
      reference[i] = ((Number) expected.get(i)).floatValue();
    }
    float[] given = LogProbabilities.logSoftmax(logits, reference.length);
    float[] wanted = LogProbabilities.logSoftmax(reference, reference.length);
    assertThat(logits).hasSize(reference.length);
    double largest = 0;
    for (int i = 0; i < wanted.length; i++) {
      largest = Math.max(largest, Math.abs(given[i] - wanted[i]));
    }
    assertThat(largest).isLessThanOrEqualTo(BOUND);
  }
}
