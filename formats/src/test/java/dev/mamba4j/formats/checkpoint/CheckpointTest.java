package dev.mamba4j.formats.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  private static final Path ROOT = Path.of(System.getProperty("mamba4j.root"));

  @TempDir private Path folder;

  @Test
  void readsTheSmallModelAsPythonDoes() throws IOException {
    assertChecksums(ROOT.resolve("models/tiny"), "tiny");
  }

  @Test
  void readsTheSmallModelsTiedHead() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(ROOT.resolve("models/tiny"))) {
      CheckpointTensor bias = checkpoint.tensor("backbone.layers.0.mixer.dt_bias").orElseThrow();
      float[] first = new float[2];
      bias.read(0, first, 0, 2);
      assertThat(first).containsExactly(-4.015625f, -4.9453125f); // c404 and c4f2 as halves
      assertThat(checkpoint.tensor("lm_head.weight").orElseThrow().data())
          .isEqualTo(checkpoint.tensor("backbone.embedding.weight").orElseThrow().data());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"codestral-like-f32-groups8", "hf-sharded-bf16-groups2", "native-tied-f16"})
  void readsFilesOfTheReferenceAsPythonDoes(String shape) throws IOException {
    Path files = ROOT.resolveSibling("shared").resolve("reference/shapes").resolve(shape);
    if (Files.isDirectory(files)) { // no part of the repository
      assertChecksums(files, shape);
    }
  }

  @Test
  void readsShardsOfBothKinds() throws IOException {
    Fixtures.file(folder, "one.safetensors", Fixtures.safetensors("a", "b"));
    Fixtures.file(folder, "two.bin", Fixtures.bytes("protocol2.bin"));
    index("model.safetensors.index.json", "\"b\":\"one.safetensors\",\"F16\":\"two.bin\"");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.path()).isEqualTo(folder.resolve("model.safetensors.index.json"));
      assertThat(checkpoint.tensors().keySet()).containsExactly("b", "F16");
      assertThat(checkpoint.tensor("F16").orElseThrow().file())
          .isEqualTo(folder.resolve("two.bin"));
      assertThat(checkpoint.tensor("a")).as("not in the index").isEmpty();
    }
  }

  @Test
  void prefersSafetensorsAndSingleFiles() throws IOException {
    List<String> worstFirst =
        List.of(
            "pytorch_model.bin.index.json",
            "pytorch_model.bin",
            "model.safetensors.index.json",
            "model.safetensors");
    Fixtures.file(folder, "shard.bin", Fixtures.bytes("protocol2.bin"));
    for (String name : worstFirst) {
      switch (name) {
        case "pytorch_model.bin" -> Fixtures.file(folder, name, Fixtures.bytes("protocol2.bin"));
        case "model.safetensors" -> Fixtures.file(folder, name, Fixtures.safetensors("a"));
        default -> index(name, "\"F16\":\"shard.bin\"");
      }
      try (Checkpoint checkpoint = Checkpoint.open(folder)) {
        assertThat(checkpoint.path()).isEqualTo(folder.resolve(name));
        assertThat(checkpoint.tensors()).isNotEmpty();
      }
    }
  }

  @Test
  void saysWhatItLookedFor() throws IOException {
    Fixtures.file(folder, "config.json", new byte[0]);
    rejects(folder)
        .hasMessage(
            folder
                + ": no checkpoint in this folder; looked for model.safetensors,"
                + " model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json");
    rejects(folder.resolve("gone")).hasMessage(folder.resolve("gone") + ": no such file");
    rejects(folder.resolve("gone.safetensors")).hasMessageEndingWith("no such file");
  }

  @Test
  void refusesWhatCannotBeMapped() throws IOException {
    Files.createDirectory(folder.resolve("model.safetensors"));
    rejects(folder).hasMessageEndingWith("model.safetensors: expected a file, found a folder");
    Path device = Path.of("/dev/zero");
    if (Files.exists(device)) {
      rejects(device).hasMessageContaining("not a regular file");
    }
  }

  @Test
  void saysThatAFileMayNotBeRead() throws IOException {
    Path file = Fixtures.file(folder, "model.safetensors", Fixtures.safetensors("a"));
    if (file.toFile().setReadable(false) && !Files.isReadable(file)) { // root may read everything
      rejects(folder).hasMessage(file + ": cannot be read: permission denied");
    }
  }

  @Test
  void namesAShardThatIsMissing() throws IOException {
    index("model.safetensors.index.json", "\"a\":\"model-1.safetensors\"");
    rejects(folder)
        .hasMessageContaining("model.safetensors.index.json: shard \"model-1.safetensors\"")
        .hasMessageEndingWith("is missing; download it into the same folder");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../x", "/etc/passwd", "..", ".", "", "a/b", "a\\\\b", "x\\u0000y"})
  void opensNoShardElsewhere(String name) throws IOException {
    index("model.safetensors.index.json", "\"a\":\"" + name + "\"");
    rejects(folder)
        .hasMessageStartingWith(folder.resolve("model.safetensors.index.json") + ": shard \"")
        .message()
        .containsAnyOf("expected the name of a file beside the index", "not a file name");
  }

  @Test
  void namesATensorThatIsNotInItsShard() throws IOException {
    Path shard = Fixtures.file(folder, "one.safetensors", Fixtures.safetensors("a"));
    index("model.safetensors.index.json", "\"a\":\"one.safetensors\",\"b\":\"one.safetensors\"");
    rejects(folder)
        .hasMessage(
            shard
                + ": expected tensor \"b\", which "
                + folder.resolve("model.safetensors.index.json")
                + " says is here");
  }

  @Test
  void refusesAnIndexThatIsNone() throws IOException {
    Path index = folder.resolve("pytorch_model.bin.index.json");
    Files.writeString(index, "{}");
    rejects(folder).hasMessageContaining("field \"weight_map\": expected an object, found nothing");
    Files.writeString(index, "{\"weight_map\":{\"a\":1}}");
    rejects(folder).hasMessageContaining("field \"a\": expected a string, found the number 1");
    Files.writeString(index, "[".repeat(2_000_000));
    rejects(folder).hasMessageContaining("more than 1048576 values");
    Files.writeString(index, "");
    rejects(folder).hasMessageContaining("expected JSON, found nothing");
  }

  @Test
  void unmapsTheFilesWhenClosed() throws IOException {
    Fixtures.file(folder, "model.safetensors", Fixtures.safetensors("a"));
    CheckpointTensor tensor;
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      tensor = checkpoint.tensor("a").orElseThrow();
    }
    assertThatThrownBy(() -> tensor.read(0, new float[1], 0, 1))
        .isInstanceOf(IllegalStateException.class);
  }

  private void index(String name, String weightMap) throws IOException {
    String text = "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + weightMap + "}}";
    Fixtures.file(folder, name, text.getBytes(StandardCharsets.UTF_8));
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> rejects(Path path) {
    return assertThatThrownBy(() -> Checkpoint.open(path).close())
        .isInstanceOf(FormatException.class)
        .hasMessageNotContaining("\n");
  }

  /** Compares type, shape and the CRC-32 of all values as floats with those Python computed. */
  private static void assertChecksums(Path files, String name) throws IOException {
    JsonObject expected = Fixtures.json("checksums.json").object(name);
    try (Checkpoint checkpoint = Checkpoint.open(files)) {
      assertThat(checkpoint.tensors().keySet())
          .containsExactlyInAnyOrderElementsOf(expected.fields().keySet());
      for (CheckpointTensor tensor : checkpoint.tensors().values()) {
        List<?> wanted = expected.list(tensor.name());
        assertThat(tensor.type().name()).isEqualTo(wanted.get(0));
        assertThat(tensor.shape()).containsExactly(Fixtures.longs((List<?>) wanted.get(1)));
        assertThat(checksum(tensor)).as(tensor.name()).isEqualTo(wanted.get(2));
      }
    }
  }

  private static long checksum(CheckpointTensor tensor) {
    CRC32 crc = new CRC32();
    float[] range = new float[1000];
    ByteBuffer bytes = ByteBuffer.allocate(4 * range.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long first = 0; first < tensor.elements(); first += range.length) {
      int count = (int) Math.min(range.length, tensor.elements() - first);
      tensor.read(first, range, 0, count);
      bytes.clear().asFloatBuffer().put(range, 0, count);
      crc.update(bytes.limit(4 * count));
    }
    return crc.getValue();
  }
}
