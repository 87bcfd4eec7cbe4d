package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Work that is killed, without a chance to tidy up: there is no file under the final name unless it
 * is whole, and the same command makes afterwards what it makes undisturbed.
 */
class KilledTest {
  /** After the first file has come up; the last is about where some are done. */
  private static final int[] MOMENTS = {0, 15, 80};

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "quantize MODEL -o TARGET --type Q4_K",
        "quantize MODEL -o TARGET --type Q4_K --method gptq --calibration MATRIX -f TEXT",
        "calibrate -m MODEL -f TEXT -o TARGET --ctx 64"
      })
  void killedWorkLeavesNothingBroken(String words) throws Exception {
    Path matrix = folder.resolve("matrix.gguf");
    Outcome.of(command("calibrate -m MODEL -f TEXT -o TARGET", matrix, matrix)).json();
    Path expected = Files.createDirectory(folder.resolve("undisturbed")).resolve("out.gguf");
    Outcome.of(command(words, expected, matrix)).json();
    Path target = Files.createDirectory(folder.resolve("killed")).resolve("out.gguf");
    for (int moment : MOMENTS) {
      kill(command(words, target, matrix), target, moment);
      if (Files.exists(target)) {
        assertThat(target).hasSameBinaryContentAs(expected);
        Files.delete(target);
      }
    }
    Outcome.of(command(words, target, matrix)).json();
    assertThat(target).hasSameBinaryContentAs(expected);
    assertThat(names(target)).containsExactly("out.gguf");
  }

  private static String[] command(String words, Path target, Path matrix) {
    List<String> command = new ArrayList<>();
    for (String word : words.split(" ", -1)) {
      command.add(
          switch (word) {
            case "MODEL" -> TinyModel.F32.toString();
            case "TEXT" -> TinyModel.CHECKPOINT.resolve("sample.txt").toString();
            case "TARGET" -> target.toString();
            case "MATRIX" -> matrix.toString();
            default -> word;
          });
    }
    command.add("--json");
    return command.toArray(String[]::new);
  }

  private static void kill(String[] command, Path target, int milliseconds) throws Exception {
    Process process =
        new ProcessBuilder(Forked.command(command))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    while (process.isAlive() && names(target).isEmpty()) {
      Thread.sleep(1);
    }
    Thread.sleep(milliseconds);
    process.destroyForcibly().waitFor();
  }

  private static Set<String> names(Path target) throws IOException {
    try (Stream<Path> files = Files.list(target.getParent())) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }
}
