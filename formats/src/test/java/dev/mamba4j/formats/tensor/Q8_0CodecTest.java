package dev.mamba4j.formats.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class Q8_0CodecTest {
  private static final int BLOCK = 32;
  private static final int BLOCK_BYTES = 34;

  @Test
  void roundsTiesAwayFromZero() {
    float[] values = new float[BLOCK];
    values[0] = 127; // makes the scale 1
    values[1] = 0.5f;
    values[2] = -0.5f;
    values[3] = 2.5f;
    values[4] = -2.5f;
    values[5] = 0.49999997f;
    values[31] = -127;
    byte[] block = encode(values);
    assertThat(HexFormat.of().formatHex(block, 0, 2)).isEqualTo("003c"); // 1.0
    assertThat(Arrays.copyOfRange(block, 2, 8)).containsExactly(127, 1, -1, 3, -3, 0);
    assertThat(block[33]).isEqualTo((byte) -127);
  }

  @Test
  void scalesEachBlockByItself() {
    float[] values = new float[2 * BLOCK];
    Arrays.fill(values, 0, BLOCK, 254);
    Arrays.fill(values, BLOCK, 2 * BLOCK, -0.25f * 127);
    byte[] blocks = encode(values);
    assertThat(HexFormat.of().formatHex(blocks, 0, 3)).isEqualTo("00407f"); // 2.0, 127
    assertThat(HexFormat.of().formatHex(blocks, 34, 37)).isEqualTo("003481"); // 0.25, -127
    assertThat(decode(blocks)).isEqualTo(values);
  }

  @Test
  void encodesZerosAsZeros() {
    assertThat(encode(new float[BLOCK])).isEqualTo(new byte[BLOCK_BYTES]);
  }

  @Test
  void decodesTheExtremes() {
    byte[] block = new byte[BLOCK_BYTES];
    block[1] = (byte) 0xbc; // -1.0
    block[2] = -128;
    block[33] = 127;
    float[] values = decode(block);
    assertThat(values[0]).isEqualTo(128);
    assertThat(values[31]).isEqualTo(-127);
  }

  @Test
  void readsAndWritesAtAnyOffset() {
    byte[] bytes = new byte[3 + BLOCK_BYTES + 3];
    float[] values = new float[5 + BLOCK];
    values[5] = 127;
    TensorType.Q8_0.encode(values, 5, MemorySegment.ofArray(bytes), 3, BLOCK);
    assertThat(HexFormat.of().formatHex(bytes, 0, 7)).isEqualTo("000000003c7f00");
    float[] decoded = new float[7 + BLOCK];
    TensorType.Q8_0.decode(MemorySegment.ofArray(bytes), 3, decoded, 7, BLOCK);
    assertThat(decoded[7]).isEqualTo(127);
    assertThat(decoded[6]).isZero();
  }

  @Test
  void givesTheBytesOfLlamaCpp() throws IOException {
    List<String> lines = lines("q8_0-llamacpp.txt");
    assertThat(lines).hasSize(3);
    for (String line : lines) {
      byte[] halves = HexFormat.of().parseHex(line.substring(0, line.indexOf(' ')));
      float[] values = new float[BLOCK];
      for (int i = 0; i < BLOCK; i++) {
        int half = (halves[2 * i] & 0xff) | (halves[2 * i + 1] << 8);
        values[i] = Float.float16ToFloat((short) half);
      }
      String encoded = HexFormat.of().formatHex(encode(values));
      assertThat(encoded).isEqualTo(line.substring(line.indexOf(' ') + 1));
    }
  }

  private static List<String> lines(String resource) throws IOException {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                Q8_0CodecTest.class.getResourceAsStream(resource), StandardCharsets.UTF_8))) {
      return reader.lines().filter(line -> !line.startsWith("#")).toList();
    }
  }

  private static byte[] encode(float[] values) {
    MemorySegment encoded = MemorySegment.ofArray(new byte[values.length / BLOCK * BLOCK_BYTES]);
    TensorType.Q8_0.encode(values, 0, encoded, 0, values.length);
    return encoded.toArray(ValueLayout.JAVA_BYTE);
  }

  private static float[] decode(byte[] blocks) {
    float[] values = new float[blocks.length / BLOCK_BYTES * BLOCK];
    TensorType.Q8_0.decode(MemorySegment.ofArray(blocks), 0, values, 0, values.length);
    return values;
  }
}
