package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.compress.calibration.ActivationRanges;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.engine.Clipping;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.ProjectionObserver;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.gguf.GgufWriter;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.KernelChoice;
import dev.mamba4j.kernels.Vectors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Limits of activations: what they cut off, where, and how a file has them. */
class ClippingTest {
  private static final int LAYERS = 6;
  private static final int INNER = 512;
  private static final float NONE = Float.POSITIVE_INFINITY;

  @TempDir private static Path folder;
  private static Path plain;

  @BeforeAll
  static void write() throws IOException {
    plain = Fixtures.write(Fixtures.checkpoint("tiny"), TensorType.Q8_0, folder.resolve("m.gguf"));
  }

  /** The small model with limits in its file. */
  private static Path clipped(Clipping limits) throws IOException {
    Path file = folder.resolve("clipped.gguf");
    try (ModelSource source = ModelWriter.open(plain)) {
      Plan plan = Plan.uniform(source, TensorType.Q8_0).with(limits);
      ModelWriter.write(source, plan, file, ModelWriter.Progress.NONE);
    }
    return file;
  }

  private static Clipping first(float outProj, float ssmX) {
    float[] out = {outProj, NONE, NONE, NONE, NONE, NONE};
    float[] x = {ssmX, NONE, NONE, NONE, NONE, NONE};
    return new Clipping(out, x);
  }

  private static LanguageModel open(Path file, String kernels) throws IOException {
    return LanguageModel.open(file, new ModelOptions(2, Precision.FLOAT, Optional.of(kernels)));
  }

  static Stream<String> kernels() {
    boolean works = KernelChoice.decide(Optional.empty()).kernels().name().equals("native");
    return works ? Stream.of("native", "vector", "scalar") : Stream.of("vector", "scalar");
  }

  /** What goes into the state and out of the first layer, of the first tokens. */
  private static final class Seen implements ProjectionObserver {
    final Map<String, float[][]> inputs = new HashMap<>();
    float[][] x;

    static Seen of(Path file, String kernels, int tokens) throws IOException {
      try (LanguageModel model = open(file, kernels);
          Mamba2State state = model.mamba2().newState()) {
        Seen seen = new Seen();
        model.mamba2().observe(seen);
        model
            .mamba2()
            .prefill(state, Arrays.copyOf(Fixtures.prompt(), tokens), PrefillListener.NONE);
        return seen;
      }
    }

    @Override
    public void inputs(String matrix, Vectors vectors, int tokens) {
      inputs.put(matrix, rows(vectors, tokens));
    }

    @Override
    public void convolved(int layer, Vectors channels, int tokens) {
      if (layer == 0) {
        x = rows(channels, tokens);
      }
    }

    private static float[][] rows(Vectors vectors, int tokens) {
      float[][] rows = new float[tokens][vectors.columns()];
      for (int i = 0; i < tokens; i++) {
        vectors.read(i, rows[i]);
      }
      return rows;
    }
  }

  private static float[] cut(float[] values, int count, float limit) {
    float[] result = values.clone();
    for (int i = 0; i < count; i++) {
      if (Math.abs(result[i]) > limit) {
        result[i] = Math.copySign(limit, result[i]);
      }
    }
    return result;
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void inputsOfOutProjAreCutOff(String kernels) throws IOException {
    String out = "blk.0.ssm_out.weight";
    float[][] before = Seen.of(plain, kernels, 5).inputs.get(out);
    float[][] after = Seen.of(clipped(first(0.5f, NONE)), kernels, 5).inputs.get(out);
    for (int i = 0; i < 5; i++) {
      assertThat(cut(before[i], INNER, 0.5f)).isNotEqualTo(before[i]);
      assertThat(after[i]).containsExactly(cut(before[i], INNER, 0.5f));
    }
  }

  /**
   * What the first token leaves behind the norm is, channel by channel, x times what all channels
   * of a head share, the gate and the weight of the norm, over the root mean square of a group. So
   * the quotient of what there is with and without a limit tells what became of x.
   */
  @ParameterizedTest
  @MethodSource("kernels")
  void whatGoesIntoTheStateIsCutOff(String kernels) throws IOException {
    float limit = 0.2f;
    Seen before = Seen.of(plain, kernels, 1);
    Seen after = Seen.of(clipped(first(NONE, limit)), kernels, 1);
    assertThat(after.x[0]).containsExactly(cut(before.x[0], INNER, limit));
    float[] y = before.inputs.get("blk.0.ssm_out.weight")[0];
    float[] clippedY = after.inputs.get("blk.0.ssm_out.weight")[0];
    double norms = 0;
    int cut = 0;
    for (int i = 0; i < INNER; i++) {
      if (Math.abs(y[i]) > 1e-3 && Math.abs(before.x[0][i]) > 1e-3) {
        double share = Math.min(1, limit / Math.abs((double) before.x[0][i]));
        cut += share < 1 ? 1 : 0;
        double quotient = clippedY[i] / (double) y[i] / share;
        norms = norms == 0 ? quotient : norms;
        assertThat(quotient).as("channel %d", i).isCloseTo(norms, within(1e-4 * norms));
      }
    }
    assertThat(cut).isPositive();
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void stepsAndPrefillGiveTheSame(String kernels) throws IOException {
    float[] limits = new float[LAYERS];
    Arrays.fill(limits, 0.7f);
    int[] tokens = Arrays.copyOf(Fixtures.prompt(), 9);
    for (Precision precision : Precision.values()) {
      ModelOptions options = new ModelOptions(2, precision, Optional.of(kernels));
      try (LanguageModel model =
          LanguageModel.open(clipped(new Clipping(limits, limits)), options)) {
        float[] steps = steps(model.mamba2(), tokens);
        assertThat(prefill(model.mamba2(), tokens)).containsExactly(steps);
        try (Mamba2 without = model.variant(precision, Map.of(), Clipping.none(LAYERS))) {
          assertThat(steps(without, tokens)).isNotEqualTo(steps);
        }
      }
    }
  }

  private static float[] steps(Mamba2 model, int[] tokens) {
    float[] logits = new float[model.config().vocabulary()];
    try (Mamba2State state = model.newState()) {
      for (int token : tokens) {
        model.step(state, token, logits);
      }
    }
    return logits;
  }

  private static float[] prefill(Mamba2 model, int[] tokens) {
    float[] logits = new float[model.config().vocabulary()];
    PrefillListener listener =
        new PrefillListener() {
          @Override
          public int firstLogits(int total) {
            return total - 1;
          }

          @Override
          public void logits(int position, Vectors all, int row) {
            all.read(row, logits);
          }
        };
    try (Mamba2State state = model.newState()) {
      model.prefill(state, tokens, listener);
    }
    return logits;
  }

  /** Against the values themselves, sorted. */
  @ParameterizedTest
  @ValueSource(doubles = {0.5, 0.9, 0.999, 1})
  void limitsArePercentiles(double share) throws IOException {
    CalibrationText text = new CalibrationText("", Fixtures.prompt(), 16, 1);
    Seen seen = Seen.of(plain, "scalar", 16);
    try (LanguageModel model = open(plain, "scalar")) {
      ActivationRanges ranges = ActivationRanges.of(model.mamba2(), text, () -> true).orElseThrow();
      float x = percentile(seen.x, share);
      assertThat(ranges.ssmX(share)[0]).isBetween(x, x * 1.016f);
      for (int layer = 0; layer < LAYERS; layer++) {
        float y = percentile(seen.inputs.get("blk." + layer + ".ssm_out.weight"), share);
        assertThat(ranges.outProj(share)[layer]).isBetween(y, y * 1.016f);
      }
    }
  }

  private static float percentile(float[][] rows, double share) {
    float[] all = new float[rows.length * INNER];
    for (int i = 0; i < all.length; i++) {
      all[i] = Math.abs(rows[i / INNER][i % INNER]);
    }
    Arrays.sort(all);
    return all[(int) Math.ceil(share * all.length) - 1];
  }

  @Test
  void infiniteLimitsChangeNothing() throws IOException {
    Path file = folder.resolve("infinite.gguf");
    float[] limits = Clipping.none(LAYERS).outProj();
    rewrite(file, limits, limits);
    try (LanguageModel model = LanguageModel.open(plain, ModelOptions.defaults());
        LanguageModel other = LanguageModel.open(file, ModelOptions.defaults())) {
      int[] tokens = Fixtures.prompt();
      assertThat(prefill(other.mamba2(), tokens)).containsExactly(prefill(model.mamba2(), tokens));
      assertThat(other.fingerprint()).isEqualTo(model.fingerprint());
    }
  }

  @Test
  void aFileKeepsThemAndAnotherQuantizationDropsThem() throws IOException {
    Clipping limits = first(1.25f, 3);
    Path file = clipped(limits);
    try (LanguageModel model = LanguageModel.open(file, ModelOptions.defaults());
        LanguageModel without = LanguageModel.open(plain, ModelOptions.defaults())) {
      assertThat(model.mamba2().clipping().outProj()).containsExactly(limits.outProj());
      assertThat(model.mamba2().clipping().ssmX()).containsExactly(limits.ssmX());
      assertThat(model.fingerprint()).isNotEqualTo(without.fingerprint());
    }
    Path again = Fixtures.write(file, TensorType.Q8_0, folder.resolve("again.gguf"));
    try (GgufFile made = GgufFile.open(again)) {
      assertThat(made.metadata().values().keySet()).noneMatch(key -> key.contains(".clip."));
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, 0, -1, Float.NEGATIVE_INFINITY})
  void aLimitThatIsNoneIsRefused(float limit) throws IOException {
    Path file = folder.resolve("bad.gguf");
    float[] limits = {1, 1, limit, 1, 1, 1};
    rewrite(file, limits, limits);
    assertThatThrownBy(() -> LanguageModel.open(file, ModelOptions.defaults()))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            "%s: key \"mamba4j.clip.out_proj\": the limit of layer 2 is %s, expected a number"
                    .formatted(file, limit)
                + " above 0; quantize again");
  }

  @Test
  void aLimitForEachLayerIsAskedFor() throws IOException {
    Path file = folder.resolve("short.gguf");
    rewrite(file, new float[] {1, 1, 1, 1, 1, 1}, new float[] {1, 1});
    assertThatThrownBy(() -> LanguageModel.open(file, ModelOptions.defaults()))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            file
                + ": key \"mamba4j.clip.ssm_x\" has 2 limits, expected one for each of 6 layers;"
                + " quantize again");
  }

  private static void rewrite(Path target, float[] outProj, float[] ssmX) throws IOException {
    try (GgufFile file = GgufFile.open(plain);
        GgufWriter writer =
            GgufWriter.create(
                target,
                file.metadata().toBuilder()
                    .putFloat32s("mamba4j.clip.out_proj", outProj)
                    .putFloat32s("mamba4j.clip.ssm_x", ssmX)
                    .build(),
                file.tensors().stream().map(GgufTensor::info).toList())) {
      for (GgufTensor tensor : file.tensors()) {
        writer.write(tensor.name(), tensor.data());
      }
      writer.finish();
    }
  }
}
