package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.gptq.Gptq;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.ProjectionObserver;
import dev.mamba4j.formats.WorkFolder;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Error feedback on the small model: what products lose, summed over the inputs themselves. */
class GptqTest {
  private static final int TOKENS = 2048;

  @TempDir private Path folder;
  private Path original;

  @BeforeEach
  void write() throws IOException {
    original = folder.resolve("original.gguf");
    Fixtures.write(Fixtures.checkpoint("tiny"), TensorType.F32, original);
  }

  private LanguageModel open() throws IOException {
    return LanguageModel.open(original, ModelOptions.defaults().withPrecision(Precision.FLOAT));
  }

  private static CalibrationText text(LanguageModel model) throws IOException {
    String words = Files.readString(Fixtures.checkpoint("tiny").resolve("sample.txt"));
    return CalibrationText.of("sample", words.repeat(3), model.tokenizer(), 512, TOKENS / 512);
  }

  @Test
  void productsLoseLessOnTheTextThatWasRead() throws IOException {
    try (LanguageModel model = open();
        ModelSource source = ModelWriter.open(original);
        WorkFolder work = WorkFolder.open(folder.resolve("target"));
        ScratchFile scratch = ScratchFile.in(folder)) {
      QuantizationMethod gptq =
          Gptq.of(model, text(model), new RoundToNearest(), scratch, work, (done, total) -> true)
              .orElseThrow();
      for (String name : List.of("blk.0.ssm_in.weight", "blk.3.ssm_out.weight")) {
        SourceTensor matrix =
            source.tensors().stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
        List<float[]> inputs = inputs(model, name);
        double nearest = loss(matrix, new RoundToNearest(), inputs);
        assertThat(loss(matrix, gptq, inputs)).as(name).isLessThan(0.8 * nearest);
      }
    }
  }

  @Test
  void aStoppedReadingLeavesNothing() throws IOException {
    try (LanguageModel model = open();
        WorkFolder work = WorkFolder.open(folder.resolve("target"));
        ScratchFile scratch = ScratchFile.in(folder)) {
      assertThat(
              Gptq.of(
                  model,
                  text(model),
                  new RoundToNearest(),
                  scratch,
                  work,
                  (done, total) -> done < 600))
          .isEmpty();
      try (Stream<Path> files = Files.list(folder)) { // the scratch file has no name
        assertThat(files).containsExactlyInAnyOrder(original, work.folder());
      }
    }
  }

  private static List<float[]> inputs(LanguageModel model, String name) throws IOException {
    List<float[]> seen = new ArrayList<>();
    model
        .mamba2()
        .observe(
            (matrix, inputs, tokens) -> {
              for (int i = 0; i < tokens && matrix.equals(name); i++) {
                float[] x = new float[inputs.columns()];
                inputs.read(i, x);
                seen.add(x);
              }
            });
    CalibrationText text = text(model);
    try (Mamba2State state = model.mamba2().newState()) {
      for (int i = 0; i < text.windows(); i++) {
        state.reset();
        model.mamba2().prefill(state, text.window(i), PrefillListener.NONE);
      }
    }
    model.mamba2().observe(ProjectionObserver.NONE);
    return seen;
  }

  /** The squared error of the products of 16 rows in 3 bits. */
  private static double loss(SourceTensor matrix, QuantizationMethod method, List<float[]> inputs)
      throws IOException {
    int columns = (int) matrix.info().columns();
    int rows = 16;
    float[] exact = new float[rows * columns];
    float[] rounded = new float[rows * columns];
    matrix.values().read(0, exact, exact.length);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(TensorType.Q3_K.byteSize(exact.length));
      TensorEncoder.of(matrix, TensorType.Q3_K, method).encode(0, exact.length, bytes);
      TensorType.Q3_K.decode(bytes, 0, rounded, 0, rounded.length);
    }
    double sum = 0;
    for (float[] x : inputs) {
      for (int row = 0; row < rows; row++) {
        double error = 0;
        for (int i = 0; i < columns; i++) {
          error += x[i] * (double) (exact[row * columns + i] - rounded[row * columns + i]);
        }
        sum += error * error;
      }
    }
    return sum;
  }
}
