package dev.mamba4j.formats.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Against files that llama.cpp wrote, on machines that have them; none is in the repository. */
class LlamaCppFilesTest {
  private static final Path FILES =
      Path.of(System.getProperty("mamba4j.root"))
          .toAbsolutePath()
          .resolveSibling("shared")
          .resolve("reference/tiny/gguf");

  @TempDir Path folder;

  @TestFactory
  List<DynamicTest> writesTheSameBytesAgain() throws IOException {
    if (!Files.isDirectory(FILES)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(FILES)) {
      return files
          .filter(file -> file.toString().endsWith(".gguf"))
          .sorted()
          .map(
              file ->
                  DynamicTest.dynamicTest(
                      file.getFileName().toString(),
                      () -> {
                        Path copy = folder.resolve(file.getFileName().toString());
                        GgufWriterTest.copy(file, copy);
                        assertThat(Files.mismatch(file, copy)).isEqualTo(-1);
                      }))
          .toList();
    }
  }

  @TestFactory
  List<DynamicTest> quantizesToTheSameBytes() {
    Path source = FILES.resolve("F16.gguf");
    Path expected = FILES.resolve("Q8_0.gguf");
    if (!Files.exists(source) || !Files.exists(expected)) {
      return List.of();
    }
    return List.of(DynamicTest.dynamicTest("Q8_0", () -> compareQuantized(source, expected)));
  }

  private static void compareQuantized(Path source, Path expected) throws IOException {
    int compared = 0;
    try (GgufFile from = GgufFile.open(source);
        GgufFile to = GgufFile.open(expected);
        Arena arena = Arena.ofConfined()) {
      for (GgufTensor tensor : to.tensors()) {
        if (tensor.type() != TensorType.Q8_0) {
          continue;
        }
        GgufTensor original = from.tensor(tensor.name()).orElseThrow();
        int count = Math.toIntExact(tensor.elements());
        float[] values = new float[count];
        original.type().decode(original.data(), 0, values, 0, count);
        MemorySegment quantized = arena.allocate(tensor.data().byteSize());
        TensorType.Q8_0.encode(values, 0, quantized, 0, count);
        assertThat(quantized.mismatch(tensor.data())).as(tensor.name()).isEqualTo(-1);
        compared++;
      }
    }
    assertThat(compared).isEqualTo(13); // the embedding and two projections of each of six layers
  }
}
