package dev.mamba4j.formats.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
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

  @TestFactory
  List<DynamicTest> decodesValuesNearTheOriginals() throws IOException {
    Path source = FILES.resolve("F16.gguf");
    if (!Files.exists(source)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(FILES)) {
      return files
          .filter(file -> file.toString().endsWith(".gguf") && !file.equals(source))
          .sorted()
          .map(
              file ->
                  DynamicTest.dynamicTest(
                      file.getFileName().toString(), () -> compareDecoded(source, file)))
          .toList();
    }
  }

  private static void compareDecoded(Path source, Path quantized) throws IOException {
    Map<TensorType, double[]> squares = new EnumMap<>(TensorType.class);
    try (GgufFile from = GgufFile.open(source);
        GgufFile to = GgufFile.open(quantized)) {
      for (GgufTensor tensor : to.tensors()) {
        if (tensor.type().blockSize() > 1) {
          float[] original = decode(from.tensor(tensor.name()).orElseThrow());
          float[] decoded = decode(tensor);
          double[] sums = squares.computeIfAbsent(tensor.type(), type -> new double[2]);
          for (int i = 0; i < decoded.length; i++) {
            sums[0] += Math.pow(decoded[i] - original[i], 2);
            sums[1] += Math.pow(original[i], 2);
          }
        }
      }
    }
    assertThat(squares).isNotEmpty();
    squares.forEach(
        (type, sums) ->
            assertThat(Math.sqrt(sums[0] / sums[1])).as(type.name()).isLessThan(error(type)));
  }

  /**
   * How far quantized weights may lie from those in F16: root mean square of the difference in
   * parts of that of the weights, over all tensors of a type. Gaussian weights spread over about 4
   * standard deviations in a group of 32, so n bits give 4 / 2^n / √12; groups with a minimum or of
   * 16 do a little better. A wrong shift, order or scale gives about 1.
   */
  private static double error(TensorType type) {
    return switch (type) {
      case Q2_K -> 0.31;
      case Q3_K -> 0.16;
      case Q4_0 -> 0.09;
      case Q4_K, IQ4_NL, IQ4_XS -> 0.08;
      case Q5_K -> 0.04;
      case Q6_K -> 0.025;
      case Q8_0 -> 0.0065;
      default -> 0;
    };
  }

  private static float[] decode(GgufTensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    tensor.type().decode(tensor.data(), 0, values, 0, values.length);
    return values;
  }
}
