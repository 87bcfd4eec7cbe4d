package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrateCommandTest {
  private static final String MODEL = TinyModel.F32.toString();

  @TempDir private Path folder;

  @Test
  void writesAFileThatInspectReads() throws IOException {
    Path target = folder.resolve("tiny.imatrix.gguf");
    String text = TinyModel.CHECKPOINT.resolve("sample.txt").toString();
    JsonObject told =
        Outcome.of(
                "calibrate",
                "-m",
                MODEL,
                "-f",
                text,
                "-o",
                target.toString(),
                "--ctx",
                "64",
                "--chunks",
                "2",
                "--json")
            .json();
    assertThat(told.integer("matrices")).isEqualTo(13); // 6 layers of two, and the head
    assertThat(told.integer("tokens")).isEqualTo(128);
    assertThat(Outcome.of("inspect", target.toString()).out())
        .contains(
            "imatrix.chunk_count", "blk.5.ssm_out.weight.in_sum2", "token_embd.weight.counts");
  }

  @Test
  void whatOneThatWasKilledWhileItSavedHasLeftIsRemoved() throws IOException {
    Files.writeString(folder.resolve(".m.gguf.unfinished.partial"), "left");
    String text = TinyModel.CHECKPOINT.resolve("sample.txt").toString();
    String target = folder.resolve("m.gguf").toString();
    Outcome.of("calibrate", "-m", MODEL, "-f", text, "-o", target, "--json").json();
    assertThat(folder.toFile().list()).containsExactly("m.gguf");
  }

  @Test
  void refusesAShortText() {
    String target = folder.resolve("m.gguf").toString();
    Outcome outcome = Outcome.of("calibrate", "-m", MODEL, "-p", "Once.", "-o", target);
    outcome.isOneLine(ExitCode.FAILED);
    assertThat(outcome.err()).contains("a window takes 512", "longer text or a smaller window");
    Outcome empty = Outcome.of("calibrate", "-m", MODEL, "-p", "", "-o", target);
    empty.isOneLine(ExitCode.FAILED);
    assertThat(empty.err()).contains("the text has 0 tokens");
    Outcome.of("calibrate", "-m", MODEL, "-p", "Once.", "-o", target, "--ctx", "1")
        .isOneLine(ExitCode.WRONG_USAGE);
  }

  @Test
  void doesNotWriteOverTheModel() throws IOException {
    byte[] before = Files.readAllBytes(TinyModel.F32);
    Outcome.of("calibrate", "-m", MODEL, "-p", "Once.", "-o", MODEL)
        .isOneLine(ExitCode.WRONG_USAGE);
    assertThat(TinyModel.F32).hasBinaryContent(before);
  }
}
