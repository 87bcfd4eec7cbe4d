package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Symmetric 4-bit integers: blocks of 32, {@code value = d * (q - 8)}.
 *
 * <p>Layout of a block: d (2 bytes), q (16 bytes; values 0 to 15 in the low nibbles, 16 to 31 in
 * the high ones).
 */
final class Q4_0Codec extends QuantizedCodec {
  Q4_0Codec() {
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

  @Override
  BlockQuantizer quantizer() {
    return new SymmetricQuantizer(this, Levels.linear(-8, 7), 32);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    putHalf(target, block, codes.d);
    packNibbles(codes.quants, 0, target, block + 2);
  }

  /** The low four bits of 32 quants: 0 to 15 in the low nibbles, 16 to 31 in the high ones. */
  static void packNibbles(int[] quants, int from, MemorySegment target, long at) {
    for (int i = 0; i < 16; i++) {
      putByte(target, at + i, (quants[from + i] & 15) | ((quants[from + 16 + i] & 15) << 4));
    }
  }
}
