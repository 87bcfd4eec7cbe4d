package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.engine.tokenizer.TokenizerData;
import dev.mamba4j.engine.tokenizer.TokenizerMetadata;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that are written, against those that llama.cpp v0.5.0 wrote of the same checkpoint. */
class ModelWriterTest {
  @TempDir Path folder;

  /** The hashes are those of llama.cpp's own files: their tensors' bytes, in order of names. */
  @ParameterizedTest
  @CsvSource({
    "F16, d3c0d3982d656f89f80428dcc85b281ec4580f07773fbefd702729f656dfb775",
    "Q8_0, c18e86d1b56e30796644150ddaf5b6dc95e0a890e0b49a3f775c0c3547f713d8",
  })
  void tensorsHaveTheBytesOfLlamaCpp(TensorType type, String hash) throws IOException {
    assertThat(hashOfTensors(write("tiny", type))).isEqualTo(hash);
    Path llamaCpp = Fixtures.shared("reference/tiny/gguf/" + type + ".gguf");
    if (Files.exists(llamaCpp)) {
      assertThat(hashOfTensors(llamaCpp)).isEqualTo(hash);
    }
  }

  private static String hashOfTensors(Path gguf) throws IOException {
    try (GgufFile file = GgufFile.open(gguf)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      file.tensors().stream()
          .sorted(Comparator.comparing(GgufTensor::name))
          .forEach(tensor -> digest.update(tensor.data().asByteBuffer()));
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aFileMadeFromAFileIsTheOneMadeFromTheCheckpoint() throws IOException {
    Path half = write("tiny", TensorType.F16);
    Path direct = write("tiny", TensorType.Q8_0);
    Path again = write(half, TensorType.Q8_0, "again.gguf");
    assertThat(again).hasSameBinaryContentAs(direct);
    assertThat(write(again, TensorType.Q8_0, "copy.gguf")).hasSameBinaryContentAs(direct);
  }

  /** As the dump of llama.cpp's Q8_0.gguf has them; its general.name is that of its folder. */
  @Test
  void keysAreThoseOfLlamaCpp() throws IOException {
    try (GgufFile file = GgufFile.open(write("tiny", TensorType.Q8_0))) {
      GgufMetadata keys = file.metadata();
      assertThat(keys.values().keySet())
          .containsExactlyInAnyOrder(
              "general.architecture",
              "general.name",
              "general.file_type",
              "general.quantization_version",
              "mamba2.context_length",
              "mamba2.embedding_length",
              "mamba2.feed_forward_length",
              "mamba2.attention.head_count",
              "mamba2.attention.layer_norm_rms_epsilon",
              "mamba2.block_count",
              "mamba2.ssm.conv_kernel",
              "mamba2.ssm.inner_size",
              "mamba2.ssm.state_size",
              "mamba2.ssm.time_step_rank",
              "mamba2.ssm.group_count",
              "tokenizer.ggml.model",
              "tokenizer.ggml.pre",
              "tokenizer.ggml.tokens",
              "tokenizer.ggml.token_type",
              "tokenizer.ggml.merges",
              "tokenizer.ggml.bos_token_id",
              "tokenizer.ggml.eos_token_id",
              "tokenizer.ggml.unknown_token_id");
      assertThat(keys.string("general.architecture")).isEqualTo("mamba2");
      assertThat(keys.integer("general.file_type")).isEqualTo(7);
      assertThat(keys.integer("general.quantization_version")).isEqualTo(2);
      assertThat(keys.integer("mamba2.embedding_length")).isEqualTo(256);
      assertThat(keys.integer("mamba2.block_count")).isEqualTo(6);
      assertThat(keys.integer("mamba2.ssm.inner_size")).isEqualTo(512);
      assertThat(keys.integer("mamba2.ssm.state_size")).isEqualTo(64);
      assertThat(keys.integer("mamba2.ssm.time_step_rank")).isEqualTo(8);
      assertThat(keys.integer("mamba2.ssm.group_count")).isEqualTo(1);
      assertThat(keys.strings("tokenizer.ggml.tokens")).hasSize(4096);
      assertThat(keys.strings("tokenizer.ggml.merges")).hasSize(3839);
    }
  }

  @Test
  void carriesTheTokenizerOver() throws IOException {
    TokenizerData given =
        TokenizerData.fromHuggingFace(Fixtures.checkpoint("tiny").resolve("tokenizer.json"));
    Path file = write(write("tiny", TensorType.F16), TensorType.Q8_0, "again.gguf");
    try (GgufFile written = GgufFile.open(file)) {
      TokenizerData read = TokenizerMetadata.read(written.metadata(), "file").orElseThrow();
      assertThat(read.tokens()).isEqualTo(given.tokens());
      assertThat(read.merges()).isEqualTo(given.merges());
      assertThat(read.tokenTypes()).isEqualTo(given.tokenTypes());
      assertThat(read.pre()).isEqualTo("gpt-2");
      assertThat(read.eos()).hasValue(0);
    }
  }

  @Test
  void forgetsTheVersionOfQuantizationWhereNothingIsQuantized() throws IOException {
    Path file = write(write("tiny", TensorType.Q8_0), TensorType.F16, "half.gguf");
    try (GgufFile written = GgufFile.open(file)) {
      assertThat(written.metadata().has("general.quantization_version")).isFalse();
      assertThat(written.metadata().integer("general.file_type")).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "70000, F16, 'holds 70000.0, which F16 cannot; use BF16'",
    "-65536, F16, 'holds -65536.0, which F16 cannot; use BF16'",
    "NaN, F16, 'holds NaN, which F16 cannot; the checkpoint is broken'",
    "NaN, Q8_0, 'holds NaN, which Q8_0 cannot; the checkpoint is broken'",
    "Infinity, F32, 'holds Infinity, which F32 cannot; the checkpoint is broken'",
  })
  void refusesAValueThatItsTypeCannotHold(float value, TensorType type, String complaint)
      throws IOException {
    Path target = folder.resolve("model.gguf");
    try (ModelSource whole = ModelWriter.open(Fixtures.checkpoint("native-tied-f16"));
        ModelSource broken = new OneValue(whole, "blk.1.ssm_out.weight", value)) {
      Plan plan = Plan.uniform(broken, type);
      assertThatThrownBy(() -> ModelWriter.write(broken, plan, target, ModelWriter.Progress.NONE))
          .isInstanceOf(FormatException.class)
          .hasMessage(whole.name() + ": tensor blk.1.ssm_out.weight " + complaint);
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aValueBeyondHalfPrecisionFitsBfloat16() throws IOException {
    Path target = folder.resolve("model.gguf");
    try (ModelSource whole = ModelWriter.open(Fixtures.checkpoint("native-tied-f16"));
        ModelSource changed = new OneValue(whole, "blk.1.ssm_out.weight", 0x1p17f)) {
      Plan plan = Plan.uniform(changed, TensorType.BF16);
      ModelWriter.write(changed, plan, target, ModelWriter.Progress.NONE);
    }
    assertThat(target).exists();
  }

  @Test
  void aFailureLeavesTheFileThatWasThere() throws IOException {
    Path target = Files.writeString(folder.resolve("model.gguf"), "older");
    try (ModelSource whole = ModelWriter.open(Fixtures.checkpoint("native-tied-f16"));
        ModelSource broken = new OneValue(whole, "blk.0.ssm_in.weight", Float.NaN)) {
      Plan plan = Plan.uniform(broken, TensorType.Q8_0);
      assertThatThrownBy(() -> ModelWriter.write(broken, plan, target, ModelWriter.Progress.NONE))
          .isInstanceOf(FormatException.class);
    }
    assertThat(folder.toFile().list()).containsExactly("model.gguf");
    assertThat(target).hasContent("older");
  }

  @Test
  void saysWhichTypesItWritesWhenAskedForAnother() throws IOException {
    Path target = folder.resolve("model.gguf");
    try (ModelSource source = ModelWriter.open(Fixtures.checkpoint("tiny"))) {
      Plan plan = Plan.uniform(source, TensorType.IQ1_S);
      assertThatThrownBy(() -> ModelWriter.write(source, plan, target, ModelWriter.Progress.NONE))
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(
              source.name() + ": tensor token_embd.weight cannot become IQ1_S; this version writes")
          .hasMessageContaining("F16")
          .hasMessageContaining("Q8_0")
          .hasMessageNotContainingAny("\n", "IQ1_M");
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void reportsEachValueOnce() throws IOException {
    List<Long> reports = new ArrayList<>();
    try (ModelSource source = ModelWriter.open(Fixtures.checkpoint("tiny"))) {
      long total = source.tensors().stream().mapToLong(tensor -> tensor.info().elements()).sum();
      ModelWriter.write(
          source,
          Plan.uniform(source, TensorType.Q8_0),
          folder.resolve("model.gguf"),
          (done, all, tensor) -> {
            assertThat(all).isEqualTo(total);
            reports.add(done);
          });
      assertThat(reports).isSorted().doesNotHaveDuplicates().endsWith(total);
    }
  }

  private Path write(String checkpoint, TensorType type) throws IOException {
    return write(Fixtures.checkpoint(checkpoint), type, type + ".gguf");
  }

  private Path write(Path input, TensorType type, String name) throws IOException {
    return Fixtures.write(input, type, folder.resolve(name));
  }

  /** A model with one value changed: number 1000 of a tensor. */
  private record OneValue(ModelSource whole, String name, float value) implements ModelSource {
    private static final int NUMBER = 1000;

    @Override
    public List<SourceTensor> tensors() {
      return whole.tensors().stream().map(this::changed).toList();
    }

    private SourceTensor changed(SourceTensor tensor) {
      if (!tensor.name().equals(name)) {
        return tensor;
      }
      SourceTensor.Values values =
          (first, target, count) -> {
            tensor.values().read(first, target, count);
            if (first <= NUMBER && NUMBER < first + count) {
              target[(int) (NUMBER - first)] = value;
            }
          };
      return new SourceTensor(tensor.info(), values, Optional.empty());
    }

    @Override
    public String name() {
      return whole.name();
    }

    @Override
    public GgufMetadata metadata() {
      return whole.metadata();
    }

    @Override
    public void close() {
      // The whole model is closed by whoever opened it.
    }
  }
}
