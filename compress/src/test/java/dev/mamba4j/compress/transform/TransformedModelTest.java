package dev.mamba4j.compress.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Changed models against the logits of the originals, which no change may touch. */
class TransformedModelTest {
  private static final int TOKENS = 24;

  @TempDir private Path folder;

  private static Path checkpoint(String name) throws Exception {
    return name.equals("tiny")
        ? Path.of(System.getProperty("mamba4j.root"), "models", "tiny")
        : Path.of(ModelWriter.class.getResource("shapes/" + name).toURI());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tiny",
        "native-tied-f16",
        "hf-sharded-bf16-groups2",
        "codestral-like-f32-groups8"
      })
  void anyScalesAndOrderLeaveTheLogitsAsTheyAre(String name) throws Exception {
    try (ModelSource source = ModelWriter.open(checkpoint(name))) {
      Path before = write(source, "before.gguf");
      List<LayerTransform> layers = new ArrayList<>();
      Mamba2Config config = config(before);
      Random random = new Random(5);
      for (int i = 0; i < config.layers(); i++) {
        layers.add(anything(config, random));
      }
      Path after = write(TransformedModel.of(source, layers), "after.gguf");
      float[][] expected = logits(before);
      float[][] found = logits(after);
      for (int i = 0; i < TOKENS; i++) {
        float most = 0;
        for (int id = 0; id < expected[i].length; id++) {
          most = Math.max(most, Math.abs(found[i][id] - expected[i][id]));
        }
        assertThat(most).isLessThan(1e-4f);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "SCALE", "PERMUTE"})
  void eachKindCanBeLeftOut(String kind) throws Exception {
    EnumSet<TransformedModel.Kind> kinds = EnumSet.noneOf(TransformedModel.Kind.class);
    if (!kind.isEmpty()) {
      kinds.add(TransformedModel.Kind.valueOf(kind));
    }
    try (ModelSource source = ModelWriter.open(checkpoint("tiny"))) {
      ImportanceMatrix importance = importance(source);
      TransformedModel changed = TransformedModel.of(source, importance, kinds);
      // Scales change the weights of norms beyond their order, orders do not.
      assertThat(sorted(changed, "blk.0.ssm_norm.weight"))
          .satisfies(
              weights -> {
                boolean same = Arrays.equals(weights, sorted(source, "blk.0.ssm_norm.weight"));
                assertThat(same).isEqualTo(!kind.equals("SCALE"));
              });
      boolean moved =
          !Arrays.equals(
              values(changed, "blk.0.ssm_conv1d.bias"), values(source, "blk.0.ssm_conv1d.bias"));
      assertThat(moved).isEqualTo(kind.equals("PERMUTE"));
    }
  }

  @Test
  void theImportanceMatrixGoesAlong() throws Exception {
    try (ModelSource source = ModelWriter.open(checkpoint("tiny"))) {
      ImportanceMatrix importance = importance(source);
      TransformedModel changed =
          TransformedModel.of(source, importance, EnumSet.allOf(TransformedModel.Kind.class));
      // What an input and its weights contribute to the products stays, wherever they went.
      for (String name : List.of("blk.1.ssm_in.weight", "blk.1.ssm_out.weight")) {
        double[] before = contributions(source, importance, name);
        double[] after = contributions(changed, changed.importance(importance), name);
        Arrays.sort(before);
        Arrays.sort(after);
        for (int i = 0; i < before.length; i++) {
          assertThat(after[i]).isCloseTo(before[i], within(1e-4 * before[i]));
        }
      }
    }
  }

  private static LayerTransform anything(Mamba2Config config, Random random) {
    List<Integer> heads = new ArrayList<>();
    int perGroup = config.heads() / config.groups();
    for (int group = 0; group < config.groups(); group++) {
      List<Integer> some =
          new ArrayList<>(
              IntStream.range(group * perGroup, (group + 1) * perGroup).boxed().toList());
      Collections.shuffle(some, random);
      heads.addAll(some);
    }
    List<Integer> channels = new ArrayList<>();
    for (int head : heads) {
      int size = config.headSize();
      List<Integer> some =
          new ArrayList<>(IntStream.range(head * size, (head + 1) * size).boxed().toList());
      Collections.shuffle(some, random);
      channels.addAll(some);
    }
    return new LayerTransform(
        scales(config.width(), random),
        scales(config.inner(), random),
        heads.stream().mapToInt(i -> i).toArray(),
        channels.stream().mapToInt(i -> i).toArray(),
        "");
  }

  private static float[] scales(int count, Random random) {
    float[] scales = new float[count];
    for (int i = 0; i < count; i++) {
      scales[i] = (float) Math.exp(random.nextGaussian());
    }
    return scales;
  }

  private Path write(ModelSource source, String name) throws IOException {
    Path file = folder.resolve(name);
    Plan plan = Plan.uniform(source, TensorType.F32);
    ModelWriter.write(source, plan, file, ModelWriter.Progress.NONE);
    return file;
  }

  private static LanguageModel open(Path file) throws IOException {
    return LanguageModel.open(file, ModelOptions.defaults().withPrecision(Precision.FLOAT));
  }

  private static Mamba2Config config(Path file) throws IOException {
    try (LanguageModel model = open(file)) {
      return model.mamba2().config();
    }
  }

  private static float[][] logits(Path file) throws IOException {
    try (LanguageModel model = open(file);
        Mamba2State state = model.mamba2().newState()) {
      int vocabulary = model.mamba2().config().vocabulary();
      float[][] logits = new float[TOKENS][vocabulary];
      for (int i = 0; i < TOKENS; i++) {
        model.mamba2().step(state, (i * 7919 + 3) % vocabulary, logits[i]);
      }
      return logits;
    }
  }

  /** Mean squares that differ from column to column. */
  private static ImportanceMatrix importance(ModelSource source) {
    Random random = new Random(9);
    TreeMap<String, ImportanceMatrix.Columns> entries = new TreeMap<>();
    for (SourceTensor tensor : source.tensors()) {
      if (tensor.isMatrix()) {
        double[] sums = new double[(int) tensor.info().columns()];
        for (int i = 0; i < sums.length; i++) {
          sums[i] = Math.exp(3 * random.nextGaussian());
        }
        entries.put(tensor.name(), new ImportanceMatrix.Columns(sums, 1));
      }
    }
    return new ImportanceMatrix(List.of("random"), 1, 1, entries);
  }

  private static float[] values(ModelSource source, String name) {
    SourceTensor tensor =
        source.tensors().stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
    float[] values = new float[(int) tensor.info().elements()];
    tensor.values().read(0, values, values.length);
    return values;
  }

  private static float[] sorted(ModelSource source, String name) {
    float[] values = values(source, name);
    Arrays.sort(values);
    return values;
  }

  /** Of each column, the sum over the rows of the squared weight times the mean squared input. */
  private static double[] contributions(
      ModelSource source, ImportanceMatrix importance, String name) {
    float[] means = importance.means(name).orElseThrow();
    float[] values = values(source, name);
    double[] sums = new double[means.length];
    for (int i = 0; i < values.length; i++) {
      int column = i % means.length;
      sums[column] += (double) values[i] * values[i] * means[column];
    }
    return sums;
  }
}
