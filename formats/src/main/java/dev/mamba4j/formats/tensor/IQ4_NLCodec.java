package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * 4-bit codes of unevenly spaced levels: blocks of 32, {@code value = d * level(code)}, see {@link
 * NonlinearLevels}.
 *
 * <p>Layout of a block: d (2 bytes), codes (16 bytes; values 0 to 15 in the low nibbles, 16 to 31
 * in the high ones).
 */
final class IQ4_NLCodec extends QuantizedCodec {
  IQ4_NLCodec() {
    super(32, 18);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    decodeCodes(half(source, block), source, block + 2, target, to);
  }

  @Override
  BlockQuantizer quantizer() {
    return new SymmetricQuantizer(this, NonlinearLevels.all(), 32);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    putHalf(target, block, codes.d);
    Q4_0Codec.packNibbles(codes.quants, 0, target, block + 2);
  }

  /** 32 codes of one scale. */
  static void decodeCodes(float scale, MemorySegment source, long codes, float[] target, int to) {
    for (int i = 0; i < 16; i++) {
      target[to + i] = scale * NonlinearLevels.level(nibble(source, codes + i, 0));
      target[to + 16 + i] = scale * NonlinearLevels.level(nibble(source, codes + i, 4));
    }
  }
}
