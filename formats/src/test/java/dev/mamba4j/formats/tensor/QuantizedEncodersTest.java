package dev.mamba4j.formats.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufTensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What encoding loses, read back by the decoders, which are tested bit by bit elsewhere. */
class QuantizedEncodersTest {
  private static final int COUNT = 2048;

  private static final Path LLAMA_CPP =
      Path.of(System.getProperty("mamba4j.root"))
          .toAbsolutePath()
          .resolveSibling("shared")
          .resolve("reference/tiny/gguf");

  /** Real weights: the squared error is below that of the file that llama.cpp wrote of them. */
  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"})
  void losesLessThanLlamaCpp(TensorType type) throws IOException {
    Path file = LLAMA_CPP.resolve(type + ".gguf");
    assumeTrue(Files.exists(file), file + " is absent");
    try (GgufFile given = GgufFile.open(LLAMA_CPP.resolve("F16.gguf"));
        GgufFile quantized = GgufFile.open(file)) {
      for (String name : new String[] {"blk.0.ssm_out.weight", "blk.5.ssm_in.weight"}) {
        float[] values = values(given.tensor(name).orElseThrow());
        float[] theirs = values(quantized.tensor(name).orElseThrow());
        assertThat(quantized.tensor(name).orElseThrow().type()).isEqualTo(type);
        double ours = error(values, decoded(type, values, null), null);
        assertThat(ours).isPositive().isLessThan(0.98 * error(values, theirs, null));
      }
    }
  }

  /** The errors of rounding evenly spread numbers to a grid of 2^bits steps, with some to spare. */
  @ParameterizedTest
  @EnumSource(
      names = {
        "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
        "IQ4_XS"
      })
  void losesNoMoreThanItsBitsMust(TensorType type) {
    Random random = new Random(1);
    float[] values = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      values[i] = 2 * random.nextFloat() - 1;
    }
    int bits = Character.digit(type.name().charAt(type.name().indexOf('Q') + 1), 10);
    double step = 2 / (Math.pow(2, bits) - 1);
    double error = error(values, decoded(type, values, null), null) / COUNT;
    assertThat(error).isLessThan(1.3 * step * step / 12);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"})
  void losesLessWhereItMattersMore(TensorType type) {
    float[] values = gaussian(2);
    float[] importance = new float[256];
    for (int i = 0; i < 256; i++) {
      importance[i] = i % 5 == 0 ? 40 : 0.5f;
    }
    double without = error(values, decoded(type, values, null), importance);
    double with = error(values, decoded(type, values, importance), importance);
    assertThat(with).isLessThan(0.8 * without);
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"
      })
  void bearsValuesOfAnySize(TensorType type) {
    assertThat(decoded(type, new float[COUNT], null)).containsOnly(0);
    assertThat(decoded(type, new float[COUNT], new float[256])).containsOnly(0);
    for (float size : new float[] {1e-38f, 1e-12f, 1e-6f, 1e4f, 3e38f}) {
      float[] values = gaussian(3);
      for (int i = 0; i < COUNT; i++) {
        values[i] = Math.clamp(values[i] / 4, -1, 1) * size;
      }
      for (float value : decoded(type, values, null)) {
        assertThat(value).isFinite();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q4_1", "Q2_K", "Q3_K", "Q4_K", "Q6_K", "IQ4_XS"})
  void integersCanBeReplacedOnTheSameScales(TensorType type) {
    float[] values = gaussian(4);
    BlockQuantizer quantizer = type.newQuantizer();
    quantizer.fit(values, 0, null, 0);
    float[] rounded = new float[type.blockSize()];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = quantizer.round(i, 0.7f * values[i] + 0.1f);
    }
    MemorySegment bytes = MemorySegment.ofArray(new byte[type.blockBytes()]);
    quantizer.write(bytes, 0);
    float[] decoded = new float[rounded.length];
    type.decode(bytes, 0, decoded, 0, decoded.length);
    for (int i = 0; i < rounded.length; i++) {
      assertThat(decoded[i]).isCloseTo(rounded[i], within(1e-6f));
    }
  }

  @Test
  void takesImportanceForWholeRowsOnly() {
    MemorySegment target = MemorySegment.ofArray(new byte[1000]);
    for (int columns : new int[] {96, 33}) {
      assertThatThrownBy(
              () -> TensorType.Q4_0.encode(new float[64], 0, new float[columns], target, 0, 64))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("64 values are not whole rows of " + columns + " columns in blocks of 32");
    }
  }

  private static float[] gaussian(int seed) {
    Random random = new Random(seed);
    float[] values = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static float[] values(GgufTensor tensor) {
    float[] values = new float[(int) tensor.info().elements()];
    tensor.type().decode(tensor.data(), 0, values, 0, values.length);
    return values;
  }

  private static float[] decoded(TensorType type, float[] values, float[] importance) {
    byte[] bytes = new byte[(int) type.byteSize(values.length)];
    Arrays.fill(bytes, (byte) 0x5a); // memory is not always zero
    MemorySegment encoded = MemorySegment.ofArray(bytes);
    type.encode(values, 0, importance, encoded, 0, values.length);
    float[] decoded = new float[values.length];
    type.decode(encoded, 0, decoded, 0, values.length);
    return decoded;
  }

  private static double error(float[] values, float[] decoded, float[] importance) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      double difference = values[i] - decoded[i];
      sum += difference * difference * (importance == null ? 1 : importance[i % importance.length]);
    }
    return sum;
  }
}
