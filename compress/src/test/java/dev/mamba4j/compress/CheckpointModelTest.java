package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.engine.tokenizer.TokenizerData;
import dev.mamba4j.engine.tokenizer.TokenizerMetadata;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.checkpoint.Checkpoint;
import dev.mamba4j.formats.checkpoint.CheckpointTensor;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints as they should be, and copies of them with one thing wrong. */
class CheckpointModelTest {
  private static final String TIED = "native-tied-f16";
  private static final String SHARDED = "hf-sharded-bf16-groups2";
  private static final String CODESTRAL = "codestral-like-f32-groups8";

  @TempDir private Path folder;

  @Test
  void namesAMissingTensor() throws IOException {
    copy(TIED);
    editHeader("\"backbone.layers.1.mixer.dt_bias\"", "\"backbone.layers.2.mixer.dt_bias\"");
    assertRefused(folder + ": tensor backbone.layers.1.mixer.dt_bias is missing");
  }

  @Test
  void namesATensorThatHasNoPlace() throws IOException {
    copy(TIED);
    String bias =
        "\"backbone.layers.0.mixer.in_proj.bias\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]},";
    editHeader("\"backbone.embedding.weight\"", bias + "\"backbone.embedding.weight\"");
    assertRefused(
        folder
            + ": tensor backbone.layers.0.mixer.in_proj.bias has no place in a Mamba-2 model of 2"
            + " layers");
  }

  @Test
  void namesATensorOfALayerTooMany() throws IOException {
    copy(TIED);
    editConfig("\"n_layer\": 2", "\"n_layer\": 1");
    assertThatThrownBy(this::open)
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder + ": tensor backbone.layers.1.")
        .hasMessageEndingWith(" has no place in a Mamba-2 model of 1 layers");
  }

  @ParameterizedTest
  @CsvSource({
    "'[772,128]', '[386,256]', backbone.layers.0.mixer.in_proj.weight, '[772, 128]', '[386, 256]'",
    "'[512,128]', '[128,512]', backbone.embedding.weight, '[128, 128]', '[128, 512]'",
    "'[512,128]', '[65536]', backbone.embedding.weight, '[vocabulary, width]', '[65536]'",
  })
  void namesATensorOfWrongShape(
      String shape, String wrong, String tensor, String expected, String found) throws IOException {
    copy(TIED);
    editHeader("\"shape\":" + shape, "\"shape\":" + wrong);
    assertRefused(
        "%s: tensor %s: expected %s as the configuration says, found shape %s"
            .formatted(folder.resolve("model.safetensors"), tensor, expected, found));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        TIED + "|\"Mamba2\"|\"Mamba1\"|layer|Mamba2|Mamba1",
        TIED + "|\"layer\": \"Mamba2\"|\"d_state\": 16|layer|Mamba2|Mamba1",
        TIED
            + "|\"attn_layer_idx\": []|\"attn_layer_idx\": [1]|attn_layer_idx|no attention"
            + " layers|[1]",
        TIED + "|\"d_intermediate\": 0|\"d_intermediate\": 512|d_intermediate|0|512",
        TIED + "|\"d_model\": 128|\"d_model\": 0|d_model|a size|0",
        TIED + "|\"n_layer\": 2|\"n_layer\": -2|n_layer|a size|-2",
        SHARDED + "|\"mamba2\"|\"mamba\"|model_type|mamba2|mamba",
        SHARDED + "|Infinity|0.1|time_step_limit|[0.0, Infinity]|[0.0, 0.1]",
        SHARDED + "|\"use_bias\": false|\"use_bias\": true|use_bias|false|true",
        SHARDED + "|\"silu\"|\"gelu\"|hidden_act|silu|gelu",
        SHARDED + "|\"num_heads\": 8|\"num_heads\": 4|num_heads|8|4",
      })
  void namesAFieldThatItCannotRun(
      String checkpoint, String from, String to, String field, String expected, String found)
      throws IOException {
    copy(checkpoint);
    editConfig(from, to);
    assertThatThrownBy(this::open)
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.resolve("config.json").toString())
        .hasMessageEndingWith(
            "field \"%s\": expected %s for a Mamba-2 model that mamba4j can run, found %s"
                .formatted(field, expected, found))
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        TIED + "|\"layer\": \"Mamba2\"|\"layer\": \"Mamba2\", \"headdim\": 100",
        TIED + "|\"layer\": \"Mamba2\"|\"layer\": \"Mamba2\", \"ngroups\": 3",
        TIED + "|\"layer\": \"Mamba2\"|\"layer\": \"Mamba2\", \"expand\": 16777216",
        TIED + "|\"layer\": \"Mamba2\"|\"layer\": \"Mamba2\", \"d_state\": 16777216",
        TIED + "|\"d_model\": 128|\"d_model\": 16777216",
        TIED + "|\"d_model\": 128|\"d_model\": \"wide\"",
        SHARDED + "|\"head_dim\": 32|\"head_dim\": 100",
        SHARDED + "|\"n_groups\": 2|\"n_groups\": 16777216",
        SHARDED + "|\"expand\": 2|\"expand\": 16777216",
      })
  void refusesSizesThatDoNotFitInOneLine(String checkpoint, String from, String to)
      throws IOException {
    copy(checkpoint);
    editConfig(from, to);
    assertThatThrownBy(this::open)
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.toString())
        .hasMessageNotContaining("\n");
  }

  @Test
  void asksForAConfiguration() throws IOException {
    copy(TIED);
    Files.delete(folder.resolve("config.json"));
    assertThatThrownBy(this::open)
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining(folder.resolve("config.json").toString())
        .hasMessageContaining("a checkpoint folder holds a config.json");
  }

  @Test
  void namesAConfigurationThatIsNotJson() throws IOException {
    copy(TIED);
    Files.writeString(folder.resolve("config.json"), "d_model = 128");
    assertThatThrownBy(this::open)
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.resolve("config.json").toString())
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @CsvSource({"tiny, false", TIED + ", false", SHARDED + ", true", CODESTRAL + ", true"})
  void writesAHeadOnlyWhereItIsNotTheEmbedding(String checkpoint, boolean own) throws IOException {
    try (ModelSource model = ModelWriter.open(Fixtures.checkpoint(checkpoint))) {
      assertThat(model.tensors().stream().map(SourceTensor::name).toList())
          .contains("token_embd.weight")
          .doesNotHaveDuplicates()
          .matches(names -> names.contains("output.weight") == own);
    }
  }

  @Test
  void asksForTheHeadOfAnUntiedModel() throws IOException {
    copy(TIED);
    editConfig("\"tie_embeddings\": true", "\"tie_embeddings\": false");
    assertRefused(folder + ": tensor lm_head.weight is missing");
  }

  @ParameterizedTest
  @CsvSource({"tiny", TIED, SHARDED, CODESTRAL})
  void aIsMinusTheExponentialOfItsLogarithm(String name) throws IOException {
    Path path = Fixtures.checkpoint(name);
    try (Checkpoint checkpoint = Checkpoint.open(path);
        ModelSource model = ModelWriter.open(path)) {
      String prefix = name.equals(CODESTRAL) ? "model." : "";
      CheckpointTensor log =
          checkpoint.tensor(prefix + "backbone.layers.1.mixer.A_log").orElseThrow();
      int heads = (int) log.elements();
      float[] logs = new float[heads];
      log.read(0, logs, 0, heads);
      SourceTensor a = tensor(model, "blk.1.ssm_a");
      float[] values = new float[heads];
      a.values().read(0, values, heads);
      assertThat(a.info().dimensions()).containsExactly(1, heads);
      for (int i = 0; i < heads; i++) {
        double expected = -Math.pow(Math.E, logs[i]);
        assertThat((double) values[i]).isCloseTo(expected, within(1e-6 * -expected));
      }
    }
  }

  /** The shapes of llama.cpp's files. */
  @Test
  void parametersHaveTheDimensionsOfLlamaCpp() throws IOException {
    try (ModelSource model = ModelWriter.open(Fixtures.checkpoint("tiny"))) {
      assertThat(tensor(model, "blk.0.ssm_in.weight").info().dimensions())
          .containsExactly(256, 1160);
      assertThat(tensor(model, "blk.0.ssm_conv1d.weight").info().dimensions())
          .containsExactly(4, 640);
      assertThat(tensor(model, "blk.0.ssm_d").info().dimensions()).containsExactly(1, 8);
      assertThat(tensor(model, "blk.0.ssm_norm.weight").info().dimensions())
          .containsExactly(512, 1);
      assertThat(tensor(model, "blk.0.ssm_in.weight").info().type()).isEqualTo(TensorType.F16);
      assertThat(model.notices()).isEmpty();
    }
  }

  @Test
  void saysThatAVocabularyFitsNoTokenizer() throws IOException {
    copy(TIED);
    try (ModelSource model = open()) {
      assertThat(model.notices())
          .containsExactly(
              folder
                  + ": no tokenizer.json, and a vocabulary of 512 is not GPT-NeoX's; the model is"
                  + " written without a tokenizer");
      assertThat(model.metadata().string("tokenizer.ggml.model")).isEqualTo("no_vocab");
      assertThat(model.metadata().integer("mamba2.vocab_size")).isEqualTo(512);
      assertThat(TokenizerMetadata.read(model.metadata(), "file")).isEmpty();
    }
  }

  @Test
  void saysThatATokenizerIsNotSupported() throws IOException {
    copy(TIED);
    Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": {\"type\": \"WordPiece\"}}");
    try (ModelSource model = open()) {
      assertThat(model.notices()).hasSize(1);
      assertThat(model.notices().getFirst())
          .startsWith(folder.resolve("tokenizer.json").toString())
          .endsWith("; the model is written without a tokenizer");
      assertThat(model.metadata().string("tokenizer.ggml.model")).isEqualTo("no_vocab");
    }
  }

  @Test
  void takesGptNeoXForItsVocabulary() throws IOException {
    try (ModelSource model = SyntheticModel.of("mamba2-130m")) {
      TokenizerData tokenizer = TokenizerMetadata.read(model.metadata(), "synthetic").orElseThrow();
      assertThat(tokenizer.tokens()).hasSize(50_288); // 50,277 tokens and padding
      assertThat(tokenizer.tokens().getFirst()).isEqualTo("<|endoftext|>");
      assertThat(tokenizer.eos()).hasValue(0);
    }
  }

  private void assertRefused(String message) {
    assertThatThrownBy(this::open).isInstanceOf(FormatException.class).hasMessage(message);
  }

  private ModelSource open() throws IOException {
    return ModelWriter.open(folder);
  }

  private static SourceTensor tensor(ModelSource model, String name) {
    Optional<SourceTensor> found =
        model.tensors().stream().filter(tensor -> tensor.name().equals(name)).findFirst();
    return found.orElseThrow();
  }

  private void copy(String checkpoint) throws IOException {
    try (var files = Files.list(Fixtures.checkpoint(checkpoint))) {
      List<Path> names = files.filter(file -> !file.endsWith("expected_logits.json")).toList();
      for (Path file : names) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  private void editConfig(String from, String to) throws IOException {
    Path config = folder.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(from);
    Files.writeString(config, text.replace(from, to));
  }

  /** Changes the first place in the header of model.safetensors; the data stays. */
  private void editHeader(String from, String to) throws IOException {
    Path file = folder.resolve("model.safetensors");
    ByteBuffer old = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[(int) old.getLong()];
    old.get(header);
    String text = new String(header, StandardCharsets.UTF_8);
    int at = text.indexOf(from);
    assertThat(at).as("%s in %s", from, text).isNotNegative();
    byte[] changed =
        (text.substring(0, at) + to + text.substring(at + from.length()))
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer edited =
        ByteBuffer.allocate(Long.BYTES + changed.length + old.remaining())
            .order(ByteOrder.LITTLE_ENDIAN);
    Files.write(file, edited.putLong(changed.length).put(changed).put(old).array());
  }
}
