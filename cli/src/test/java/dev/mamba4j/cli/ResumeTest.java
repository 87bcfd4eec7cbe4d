package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Work that is killed goes on where it was, and makes to the last byte what it makes undisturbed.
 */
class ResumeTest {
  private static final int WINDOWS = 64;

  @TempDir private Path folder;
  private String text;
  private Path target;
  private Path work;

  @BeforeEach
  void name() throws IOException {
    String sample = Files.readString(TinyModel.CHECKPOINT.resolve("sample.txt"));
    text = folder.resolve("text.txt").toString();
    Files.writeString(Path.of(text), sample.repeat(60));
    target = folder.resolve("out.gguf");
    work = folder.resolve(".out.gguf.work");
  }

  /** Waits for something to be seen. */
  private interface Sight {
    boolean appears() throws IOException;
  }

  private static void killAt(Sight sight, String... command) throws Exception {
    Process process =
        new ProcessBuilder(Forked.command(command))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    while (process.isAlive() && !sight.appears()) {
      Thread.sleep(1);
    }
    assertThat(process.isAlive()).isTrue();
    process.destroyForcibly().waitFor();
  }

  private String[] quantize(Path file, String... options) {
    List<String> command = new ArrayList<>(List.of("quantize", TinyModel.F32.toString(), "-o"));
    command.add(file.toString());
    command.addAll(List.of("--method", "gptq", "-f", text));
    command.addAll(List.of(options));
    return command.toArray(String[]::new);
  }

  /** Encoded matrices that are complete. */
  private List<Path> encoded() throws IOException {
    if (!Files.exists(work)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(work)) {
      return files.filter(file -> file.getFileName().toString().matches("[^.].*\\.Q._K")).toList();
    }
  }

  private String matrix() throws IOException {
    String matrix = folder.resolve("matrix.gguf").toString();
    Outcome.of(
            "calibrate",
            "-m",
            TinyModel.F32 + "",
            "-f",
            text,
            "-o",
            matrix,
            "--chunks",
            "8",
            "--json")
        .json();
    return matrix;
  }

  @Test
  void errorFeedbackGoesOn() throws Exception {
    String[] options = {"--type", "Q4_K", "--gptq-chunks", WINDOWS + "", "--calibration", matrix()};
    Path expected = folder.resolve("expected.gguf");
    Outcome undisturbed = Outcome.of(quantize(expected, options));
    assertThat(undisturbed.code()).as(undisturbed.err()).isZero();
    assertThat(undisturbed.err()).contains("gptq reads 32768 tokens in windows of 512, takes ");
    assertThat(folder.resolve(".expected.gguf.work")).doesNotExist();

    Path products = work.resolve("products.gguf");
    killAt(() -> Files.exists(products), quantize(target, options));
    long read;
    try (GgufFile file = GgufFile.open(products)) {
      read = file.metadata().integer("mamba4j.gptq.windows");
    }
    assertThat(read).isBetween(1L, WINDOWS - 1L);
    killAt(() -> encoded().size() >= 3, quantize(target, options));
    assertThat(target).doesNotExist();
    try (GgufFile file = GgufFile.open(products)) {
      assertThat(file.metadata().integer("mamba4j.gptq.windows")).isEqualTo(WINDOWS);
    }
    Path left = folder.resolve("left");
    copy(work, left);

    Outcome rest = Outcome.of(quantize(target, options));
    assertThat(rest.err()).contains("64 of 64 windows were read before").doesNotContain("reads");
    assertThat(target).hasSameBinaryContentAs(expected);
    assertThat(work).doesNotExist();

    // A matrix that was complete is not encoded again: it is taken as it lies there.
    copy(left, work);
    Path matrix = encoded().getFirst();
    byte[] bytes = Files.readAllBytes(matrix);
    bytes[100] ^= 1;
    Files.write(matrix, bytes);
    Outcome.of(quantize(target, options));
    assertThat(Files.mismatch(target, expected)).isPositive();
    byte[] mended = Files.readAllBytes(target);
    mended[(int) Files.mismatch(target, expected)] ^= 1;
    assertThat(expected).hasBinaryContent(mended);

    // Other work begins anew.
    String[] others = {"--type", "Q4_K", "--gptq-chunks", "2", "--calibration", options[5]};
    Outcome.of(quantize(expected, others));
    copy(left, work);
    Outcome other = Outcome.of(quantize(target, others));
    assertThat(other.err()).contains("reads 1024 tokens").doesNotContain("goes on");
    assertThat(target).hasSameBinaryContentAs(expected);
    copy(left, work);
    Outcome.of("quantize", TinyModel.F32 + "", "-o", target + "", "--type", "Q8_0", "--json")
        .json();
    assertThat(work).doesNotExist();
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }

  @Test
  void aSearchWithErrorFeedbackGoesOn() throws Exception {
    String[] options = {
      "--target-bpw", "4", "--gptq-chunks", "8", "--chunks", "1", "--calibration", matrix()
    };
    Path expected = Files.createDirectory(folder.resolve("undisturbed")).resolve("expected.gguf");
    Outcome undisturbed = Outcome.of(quantize(expected, options));
    assertThat(undisturbed.code()).as(undisturbed.err()).isZero();
    killAt(() -> encoded().size() >= 4, quantize(target, options));
    Outcome rest = Outcome.of(quantize(target, options));
    assertThat(rest.err()).contains("8 of 8 windows were read before");
    assertThat(target).hasSameBinaryContentAs(expected);
    assertThat(work).doesNotExist();
  }

  @Test
  void calibrationGoesOn() throws Exception {
    Path expected = folder.resolve("expected.gguf");
    String[] command = {"calibrate", "-m", TinyModel.F32 + "", "-f", text, "--json", "-o", ""};
    command[command.length - 1] = expected.toString();
    JsonObject whole = Outcome.of(command).json();
    command[command.length - 1] = target.toString();
    Path unfinished = folder.resolve("out.gguf.unfinished");
    killAt(() -> Files.exists(unfinished), command);
    long read;
    try (GgufFile file = GgufFile.open(unfinished)) {
      read = file.metadata().integer("imatrix.chunk_count");
    }
    assertThat(read).isBetween(1L, whole.integer("chunks") - 1);
    Outcome rest = Outcome.of(command);
    assertThat(rest.json().integer("chunks")).isEqualTo(whole.integer("chunks"));
    assertThat(rest.err()).contains(read + " of " + whole.integer("chunks") + " windows were read");
    assertThat(target).hasSameBinaryContentAs(expected);
    assertThat(unfinished).doesNotExist();
  }
}
