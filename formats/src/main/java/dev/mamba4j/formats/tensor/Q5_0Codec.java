package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Symmetric 5-bit integers: blocks of 32, {@code value = d * (q - 16)}.
 *
 * <p>Layout of a block: d (2 bytes), the fifth bits of all values (4 bytes, value 0 in the lowest),
 * the other four (16 bytes; values 0 to 15 in the low nibbles, 16 to 31 in the high ones).
 */
final class Q5_0Codec extends QuantizedCodec {
  Q5_0Codec() {
    super(32, 22);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float scale = half(source, block);
    for (int i = 0; i < 32; i++) {
      target[to + i] = scale * (quant(source, block + 2, block + 6, i) - 16);
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new SymmetricQuantizer(this, Levels.linear(-16, 15), 32);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    putHalf(target, block, codes.d);
    packQuants(codes.quants, target, block + 2, block + 6);
  }

  /** Value i of 32 from the fifth bits and the nibbles of a block; 0 to 31. */
  static int quant(MemorySegment source, long fifthBits, long nibbles, int i) {
    return nibble(source, nibbles + i % 16, i < 16 ? 0 : 4)
        | (bit(source, fifthBits + i / 8, i % 8) << 4);
  }

  /** The way back from {@link #quant}. */
  static void packQuants(int[] quants, MemorySegment target, long fifthBits, long nibbles) {
    for (int i = 0; i < 4; i++) {
      int bits = 0;
      for (int j = 0; j < 8; j++) {
        bits |= (quants[8 * i + j] >> 4) << j;
      }
      putByte(target, fifthBits + i, bits);
    }
    Q4_0Codec.packNibbles(quants, 0, target, nibbles);
  }
}
