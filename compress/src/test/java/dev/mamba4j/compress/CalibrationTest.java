package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.compress.calibration.Calibration;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Matrix;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Importance matrices. The sums of in_sum2.json are of a float64 NumPy program that steps through
 * the equations: the first four columns of each matrix and the total of all.
 */
class CalibrationTest {
  private static final Calibration.Progress GO_ON = (done, total) -> true;

  @TempDir private Path folder;

  private LanguageModel open(String checkpoint) throws IOException {
    Path file = folder.resolve(checkpoint + ".gguf");
    if (!Files.exists(file)) {
      Fixtures.write(Fixtures.checkpoint(checkpoint), TensorType.F32, file);
    }
    return LanguageModel.open(file, ModelOptions.defaults().withPrecision(Precision.FLOAT));
  }

  private static JsonObject expected(String checkpoint) throws IOException {
    return Json.read(Fixtures.resource("in_sum2.json")).object(checkpoint);
  }

  private static CalibrationText text(JsonObject expected) throws FormatException {
    int[] tokens = Fixtures.ids(expected.list("tokens"));
    int window = (int) expected.integer("window");
    return new CalibrationText("numbers", tokens, window, tokens.length / window);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"native-tied-f16", "hf-sharded-bf16-groups2", "codestral-like-f32-groups8"})
  void sumsOfSquaresAreThoseOfTheEquations(String checkpoint) throws IOException {
    JsonObject expected = expected(checkpoint);
    Path target = folder.resolve("imatrix.gguf");
    try (LanguageModel model = open(checkpoint)) {
      Calibration.run(model, text(expected), target, GO_ON);
    }
    ImportanceMatrix matrix = ImportanceMatrix.read(target);
    assertThat(matrix.chunks()).isEqualTo(3);
    assertThat(matrix.chunkSize()).isEqualTo(20);
    Map<String, Object> sums = expected.object("in_sum2").fields();
    assertThat(matrix.entries().keySet()).isEqualTo(sums.keySet());
    for (Map.Entry<String, Object> entry : sums.entrySet()) {
      ImportanceMatrix.Columns found = matrix.entries().get(entry.getKey());
      List<?> wanted = (List<?>) entry.getValue();
      assertThat(found.count()).isEqualTo(60);
      double total = 0;
      for (double sum : found.sums()) {
        total += sum;
      }
      assertThat(total).isCloseTo(number(wanted.get(4)), within(1e-4 * total));
      for (int i = 0; i < 4; i++) {
        double sum = number(wanted.get(i));
        assertThat(found.sums()[i]).as(entry.getKey()).isCloseTo(sum, within(1e-3 * sum));
      }
    }
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }

  @Test
  void aVariantOfTheModelHasTheMatrixThatItWasGiven() throws IOException {
    CalibrationText text = text(expected("native-tied-f16"));
    try (LanguageModel model = open("native-tied-f16");
        Arena arena = Arena.ofConfined()) {
      String name = "blk.1.ssm_out.weight";
      Matrix zeros = new Matrix(TensorType.F32, 128, 256, arena.allocate(4 * 128 * 256));
      float[] plain = lastLogits(model.mamba2(), text.window(0));
      try (Mamba2 same = model.variant(Precision.FLOAT, Map.of());
          Mamba2 other = model.variant(Precision.FLOAT, Map.of(name, zeros))) {
        assertThat(lastLogits(same, text.window(0))).isEqualTo(plain);
        assertThat(lastLogits(other, text.window(0))).isNotEqualTo(plain);
      }
      assertThatThrownBy(() -> model.variant(Precision.FLOAT, Map.of("blk.0.ssm_in.weight", zeros)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("given 128 × 256");
      assertThatThrownBy(() -> model.variant(Precision.FLOAT, Map.of("output.weight", zeros)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no matrix [output.weight]");
    }
  }

  private static float[] lastLogits(Mamba2 model, int[] tokens) {
    float[] logits = new float[model.config().vocabulary()];
    try (Mamba2State state = model.newState()) {
      for (int token : tokens) {
        model.step(state, token, logits);
      }
    }
    return logits;
  }

  @Test
  void stoppedWorkGoesOnToTheSameResult() throws IOException {
    CalibrationText text = text(expected("native-tied-f16"));
    Path whole = folder.resolve("whole.gguf");
    Path parts = folder.resolve("parts.gguf");
    Path unfinished = folder.resolve("parts.gguf.unfinished");
    try (LanguageModel model = open("native-tied-f16")) {
      Calibration.run(model, text, whole, GO_ON);
      assertThat(Calibration.run(model, text, parts, (done, total) -> done < 20)).isEmpty();
      assertThat(parts).doesNotExist();
      assertThat(unfinished).exists();
      long[] first = {-1};
      Calibration.Progress progress =
          (done, total) -> {
            first[0] = first[0] < 0 ? done : first[0];
            return true;
          };
      assertThat(Calibration.run(model, text, parts, progress)).isPresent();
      assertThat(first[0]).isEqualTo(20); // not from the start
    }
    assertThat(unfinished).doesNotExist();
    ImportanceMatrix one = ImportanceMatrix.read(whole);
    ImportanceMatrix other = ImportanceMatrix.read(parts);
    assertThat(other.chunks()).isEqualTo(one.chunks());
    one.entries()
        .forEach(
            (name, columns) ->
                assertThat(other.means(name).orElseThrow()).containsExactly(columns.means()));
  }

  @Test
  void anotherTextDoesNotGoOnWithWhatWasSaved() throws IOException {
    CalibrationText text = text(expected("native-tied-f16"));
    int[] others = text.tokens().clone();
    others[50]++;
    Path target = folder.resolve("matrix.gguf");
    try (LanguageModel model = open("native-tied-f16")) {
      Calibration.run(model, text, target, (done, total) -> done < 20);
      long[] first = {-1};
      Calibration.run(
          model,
          new CalibrationText("numbers", others, text.window(), text.windows()),
          target,
          (done, total) -> {
            first[0] = first[0] < 0 ? done : first[0];
            return true;
          });
      assertThat(first[0]).isZero();
    }
  }

  @Test
  void readsTheOlderFormOfLlamaCpp() throws IOException {
    Path file = folder.resolve("imatrix.dat");
    ByteBuffer bytes = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(1);
    putText(bytes, "blk.0.ssm_in.weight");
    bytes.putInt(4).putInt(3).putFloat(2).putFloat(6).putFloat(0); // 4 calls, 3 columns
    bytes.putInt(7);
    putText(bytes, "wiki.train.raw");
    Files.write(file, Arrays.copyOf(bytes.array(), bytes.position()));
    ImportanceMatrix matrix = ImportanceMatrix.read(file);
    assertThat(matrix.datasets()).containsExactly("wiki.train.raw");
    assertThat(matrix.chunks()).isEqualTo(7);
    assertThat(matrix.means("blk.0.ssm_in.weight").orElseThrow()).containsExactly(0.5f, 1.5f, 0);

    Files.write(file, Arrays.copyOf(bytes.array(), 40));
    assertThatThrownBy(() -> ImportanceMatrix.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("not an importance matrix");
    Files.writeString(file, "once upon a time");
    assertThatThrownBy(() -> ImportanceMatrix.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("not an importance matrix");
  }

  private static void putText(ByteBuffer bytes, String text) {
    bytes.putInt(text.length()).put(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void refusesAMatrixOfAnotherModel() throws IOException {
    Path target = folder.resolve("matrix.gguf");
    try (LanguageModel model = open("native-tied-f16")) {
      Calibration.run(model, text(expected("native-tied-f16")), target, GO_ON);
    }
    ImportanceMatrix matrix = ImportanceMatrix.read(target);
    try (ModelSource same = ModelWriter.open(Fixtures.checkpoint("native-tied-f16"));
        ModelSource other = ModelWriter.open(Fixtures.checkpoint("codestral-like-f32-groups8"));
        ModelSource smaller = ModelWriter.open(Fixtures.checkpoint("tiny"))) {
      matrix.check("M", same.tensors().stream().map(SourceTensor::info));
      assertThatThrownBy(() -> matrix.check("M", other.tensors().stream().map(SourceTensor::info)))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("M: an importance matrix of another model: it has 128 columns");
      ImportanceMatrix deeper = withEntry(matrix, "blk.9.ssm_in.weight");
      assertThatThrownBy(
              () -> deeper.check("M", smaller.tensors().stream().map(SourceTensor::info)))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("another model");
    }
  }

  private static ImportanceMatrix withEntry(ImportanceMatrix matrix, String name) {
    SortedMap<String, ImportanceMatrix.Columns> entries = new TreeMap<>();
    entries.put(name, new ImportanceMatrix.Columns(new double[256], 1));
    return new ImportanceMatrix(matrix.datasets(), 1, 1, entries);
  }

  @Test
  void refusesWhatIsNoImportanceMatrix() throws IOException {
    try (LanguageModel model = open("native-tied-f16")) {
      assertThatThrownBy(() -> ImportanceMatrix.read(model.file().path()))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("expected an importance matrix");
    }
    Optional<float[]> none =
        new ImportanceMatrix(List.of(), 1, 1, new TreeMap<>()).means("output.weight");
    assertThat(none).isEmpty();
  }
}
