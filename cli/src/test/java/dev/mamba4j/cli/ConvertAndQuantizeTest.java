package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.json.JsonObject;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConvertAndQuantizeTest {
  /** Of the small model: embedding, 6 times (in, out). */
  private static final long MATRIX_WEIGHTS = 4096L * 256 + 6 * (1160L * 256 + 256L * 512);

  /** Norms, and of each layer convolution, dt, A, D and two norms. */
  private static final long VECTOR_WEIGHTS = 256 + 6 * (640L * 4 + 640 + 3 * 8 + 256 + 512);

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"Q8_0, 8.5", "q8_0, 8.5", "F16, 16", "bf16, 16", "F32, 32"})
  void tellsWhatItMade(String type, double bits) throws IOException {
    Path target = folder.resolve("out.gguf");
    JsonObject figures =
        Outcome.of("quantize", tiny(), "-o", target.toString(), "--type", type, "--json").json();
    double bytes = MATRIX_WEIGHTS * bits / 8 + VECTOR_WEIGHTS * 4;
    double before = MATRIX_WEIGHTS * 2 + VECTOR_WEIGHTS * 4; // the checkpoint is F16
    assertThat(figures.integer("weights")).isEqualTo(MATRIX_WEIGHTS + VECTOR_WEIGHTS);
    assertThat(figures.integer("bytes_before")).isEqualTo((long) before);
    assertThat(figures.integer("bytes_after")).isEqualTo((long) bytes);
    assertThat(figures.integer("file_bytes")).isEqualTo(Files.size(target));
    assertThat(figures.number("bits_per_weight_after", 0))
        .isCloseTo(8 * bytes / (MATRIX_WEIGHTS + VECTOR_WEIGHTS), within(1e-9));
    assertThat(figures.number("seconds", 0)).isPositive();
  }

  @Test
  void tellsItInALineForPeople() {
    String target = folder.resolve("out.gguf").toString();
    Outcome outcome = Outcome.of("quantize", tiny(), "-o", target, "--type", "Q8_0");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .startsWith(target + ": ")
        .contains("from 7.3 MB (16.1 bits per weight) to 3.9 MB (8.66 bits per weight)");
    assertThat(outcome.err()).isEmpty();
  }

  @Test
  void convertKeepsTheTypesOfTheCheckpoint() throws IOException {
    Path target = folder.resolve("out.gguf");
    assertThat(Outcome.of("convert", tiny(), "-o", target.toString()).code()).isZero();
    assertThat(type(target, "token_embd.weight")).isEqualTo(TensorType.F16);
    assertThat(type(target, "blk.0.ssm_a")).isEqualTo(TensorType.F32);
  }

  @Test
  void convertTakesAType() throws IOException {
    Path target = folder.resolve("out.gguf");
    Outcome.of("convert", tiny(), "-o", target.toString(), "--type", "bf16", "--json").json();
    assertThat(type(target, "token_embd.weight")).isEqualTo(TensorType.BF16);
  }

  @Test
  void aGgufFileIsQuantizedAsItsCheckpointIs() throws IOException {
    Path f16 = folder.resolve("f16.gguf");
    Path viaF16 = folder.resolve("q8.gguf");
    Outcome.of("convert", tiny(), "-o", f16.toString(), "--json").json();
    Outcome.of("quantize", f16.toString(), "-o", viaF16.toString(), "--type", "Q8_0", "--json")
        .json();
    assertThat(viaF16).hasSameBinaryContentAs(TinyModel.Q8_0);
  }

  @Test
  void anExistingFileIsReplaced() throws IOException {
    Path target = Files.writeString(folder.resolve("out.gguf"), "old");
    Outcome.of("quantize", tiny(), "-o", target.toString(), "--type", "Q8_0", "--json").json();
    assertThat(target).hasSameBinaryContentAs(TinyModel.Q8_0);
    assertThat(folder.toFile().list()).containsExactly("out.gguf");
  }

  @Test
  void theInputIsNeverOverwritten() throws IOException {
    Path file = Files.copy(TinyModel.Q8_0, folder.resolve("in.gguf"));
    Path link = Files.createSymbolicLink(folder.resolve("link.gguf"), file);
    Path checkpoint = Files.createDirectory(folder.resolve("checkpoint"));
    for (String name : List.of("config.json", "pytorch_model.bin")) {
      Files.copy(TinyModel.CHECKPOINT.resolve(name), checkpoint.resolve(name));
    }
    String weights = checkpoint.resolve("pytorch_model.bin").toString();
    for (List<String> names :
        List.of(
            List.of(file.toString(), file.toString()),
            List.of(file.toString(), link.toString()),
            List.of(link.toString(), file.toString()),
            List.of(checkpoint.toString(), weights))) {
      Outcome outcome =
          Outcome.of("quantize", names.getFirst(), "-o", names.getLast(), "--type", "F16");
      outcome.isOneLine(2);
      assertThat(outcome.err()).contains("part of the input");
    }
    assertThat(file).hasSameBinaryContentAs(TinyModel.Q8_0);
  }

  @Test
  void noticesOfTheImportGoToStandardError() throws IOException {
    Path checkpoint = Files.createDirectory(folder.resolve("checkpoint"));
    for (String name : List.of("config.json", "pytorch_model.bin")) {
      Files.copy(TinyModel.CHECKPOINT.resolve(name), checkpoint.resolve(name));
    }
    String target = folder.resolve("out.gguf").toString();
    Outcome outcome = Outcome.of("convert", checkpoint.toString(), "-o", target);
    assertThat(outcome.code()).isZero();
    assertThat(outcome.err()).contains("no tokenizer.json");
  }

  private static String tiny() {
    return TinyModel.CHECKPOINT.toString();
  }

  private static TensorType type(Path file, String tensor) throws IOException {
    try (GgufFile gguf = GgufFile.open(file)) {
      return gguf.tensor(tensor).orElseThrow().type();
    }
  }
}
