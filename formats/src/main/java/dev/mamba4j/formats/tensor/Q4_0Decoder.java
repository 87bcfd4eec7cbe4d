package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Symmetric 4-bit integers: blocks of 32, {@code value = d * (q - 8)}.
 *
 * <p>Layout of a block: d (2 bytes), q (16 bytes; values 0 to 15 in the low nibbles, 16 to 31 in
 * the high ones).
 */
final class Q4_0Decoder extends QuantizedDecoder {
  Q4_0Decoder() {
    super(32, 18);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float scale = half(source, block);
    for (int i = 0; i < 16; i++) {
      target[to + i] = scale * (nibble(source, block + 2 + i, 0) - 8);
      target[to + 16 + i] = scale * (nibble(source, block + 2 + i, 4) - 8);
    }
  }
}
