package dev.mamba4j.formats.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The decoders against the numpy ones of PyPI's {@code gguf}, bit by bit: three random blocks of
 * each type, with usual, negative and subnormal scales. {@code make_blocks.py} beside {@code
 * decoded-blocks.txt} made them.
 */
class QuantizedDecodersTest {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** One line of the file: blocks, and the bits of their values. */
  record Decoded(TensorType type, MemorySegment blocks, List<Integer> bits) {
    @Override
    public String toString() {
      return type.name();
    }
  }

  static List<Decoded> decoded() throws IOException {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                QuantizedDecodersTest.class.getResourceAsStream("decoded-blocks.txt"),
                StandardCharsets.UTF_8))) {
      return reader
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split(" ", 3))
          .map(parts -> new Decoded(TensorType.valueOf(parts[0]), bytes(parts[1]), ints(parts[2])))
          .toList();
    }
  }

  @Test
  void everyQuantizedTypeThatCanBeDecodedIsTested() throws IOException {
    List<TensorType> expected =
        Arrays.stream(TensorType.values())
            .filter(type -> type.canDecode() && type.blockSize() > 1)
            .toList();
    assertThat(decoded())
        .extracting(Decoded::type)
        .containsExactlyInAnyOrderElementsOf(expected)
        .hasSize(12);
  }

  @ParameterizedTest
  @MethodSource("decoded")
  void decodesEveryBit(Decoded expected) {
    TensorType type = expected.type();
    int count = 3 * type.blockSize();
    assertThat(expected.blocks().byteSize()).isEqualTo(type.byteSize(count));
    float[] values = new float[count];
    type.decode(expected.blocks(), 0, values, 0, count);
    assertThat(bits(values)).isEqualTo(expected.bits());
  }

  @ParameterizedTest
  @MethodSource("decoded")
  void decodesFromAnyOffsetToAnyOther(Decoded expected) {
    TensorType type = expected.type();
    int size = type.blockSize();
    MemorySegment bytes = MemorySegment.ofArray(new byte[5 + type.blockBytes()]);
    bytes.asSlice(5).copyFrom(expected.blocks().asSlice(type.blockBytes(), type.blockBytes()));
    float[] values = new float[size + 7];
    type.decode(bytes, 5, values, 3, size);
    assertThat(bits(values).subList(3, 3 + size))
        .isEqualTo(expected.bits().subList(size, 2 * size));
    assertThat(values).startsWith(0, 0, 0).endsWith(0, 0, 0, 0);
  }

  private static List<Integer> bits(float[] values) {
    return IntStream.range(0, values.length)
        .mapToObj(i -> Float.floatToRawIntBits(values[i]))
        .toList();
  }

  private static MemorySegment bytes(String digits) {
    return MemorySegment.ofArray(HexFormat.of().parseHex(digits));
  }

  private static List<Integer> ints(String digits) {
    return Arrays.stream(bytes(digits).toArray(INT)).boxed().toList();
  }
}
