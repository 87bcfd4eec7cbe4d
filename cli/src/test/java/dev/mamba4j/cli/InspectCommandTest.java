package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class InspectCommandTest {
  private static final String FILE = TinyModel.Q8_0.toString();

  @Test
  void jsonTellsWhereEachTensorLies() throws IOException {
    byte[] bytes = Files.readAllBytes(TinyModel.Q8_0);
    JsonObject result = Outcome.of("inspect", FILE, "--json").json();
    assertThat(result.integer("file_bytes")).isEqualTo(bytes.length);
    List<?> tensors = result.list("tensors");
    try (GgufFile file = GgufFile.open(TinyModel.Q8_0)) {
      assertThat(tensors).hasSameSizeAs(file.tensors());
      for (int i = 0; i < tensors.size(); i++) {
        JsonObject given = JsonObject.of("tensor", tensors.get(i));
        GgufTensor tensor = file.tensors().get(i);
        int from = (int) given.integer("offset");
        int to = from + (int) given.integer("bytes");
        assertThat(given.string("name")).isEqualTo(tensor.name());
        assertThat(Arrays.copyOfRange(bytes, from, to))
            .isEqualTo(tensor.data().toArray(ValueLayout.JAVA_BYTE));
      }
    }
  }

  @Test
  void jsonHasMetadataWithArraysShortened() throws IOException {
    JsonObject metadata = Outcome.of("inspect", FILE, "--json").json().object("metadata");
    assertThat(metadata.string("general.architecture")).isEqualTo("mamba2");
    assertThat(metadata.integer("mamba2.block_count")).isEqualTo(6);
    JsonObject tokens = metadata.object("tokenizer.ggml.tokens");
    assertThat(tokens.integer("size")).isEqualTo(4096);
    assertThat(tokens.list("first")).hasSize(8).element(0).isEqualTo("<|endoftext|>");
  }

  @Test
  void theTableHasKeysTensorsAndTotals() {
    Outcome outcome = Outcome.of("inspect", FILE);
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .containsPattern("general\\.architecture +string +\"mamba2\"")
        .containsPattern("tokenizer\\.ggml\\.tokens +string\\[4096] +\\[\"<\\|endoftext\\|>\", ")
        .containsPattern("token_embd\\.weight +Q8_0 +256 x 4096 +1114112 +\\d+")
        .containsPattern("all +\\d+ +3640976 +3939648 +8\\.66\n");
    assertThat(outcome.out().lines()).allMatch(line -> line.equals(line.stripTrailing()));
  }
}
