package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The small model of the repository, converted once, and what the reference says of it. */
final class TinyModel {
  private static final Path ROOT = Path.of(System.getProperty("mamba4j.root"));
  private static final Path FOLDER = temporaryFolder();

  static final Path CHECKPOINT = ROOT.resolve("models/tiny");
  static final Path F32 = made("F32");
  static final Path Q8_0 = made("Q8_0");

  private TinyModel() {}

  private static Path temporaryFolder() {
    try {
      Path folder = Files.createTempDirectory("mamba4j-cli");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path made(String type) {
    Path file = FOLDER.resolve("tiny-" + type + ".gguf");
    Outcome outcome =
        Outcome.of("quantize", CHECKPOINT.toString(), "-o", file.toString(), "--type", type);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return file;
  }

  /** Made by mamba2_reference.py. */
  static JsonObject reference(String name) throws IOException {
    return Json.read(
        ROOT.resolve("compress/src/test/resources/dev/mamba4j/compress/tiny").resolve(name));
  }
}
