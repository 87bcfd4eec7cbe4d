package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * 4-bit integers above a minimum: blocks of 32, {@code value = d * q + m}.
 *
 * <p>Layout of a block: d, m (2 bytes each), q (16 bytes; values 0 to 15 in the low nibbles, 16 to
 * 31 in the high ones).
 */
final class Q4_1Codec extends QuantizedCodec {
  Q4_1Codec() {
    super(32, 20);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float scale = half(source, block);
    float minimum = half(source, block + 2);
    for (int i = 0; i < 16; i++) {
      target[to + i] = scale * nibble(source, block + 4 + i, 0) + minimum;
      target[to + 16 + i] = scale * nibble(source, block + 4 + i, 4) + minimum;
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new AffineQuantizer(this, 15, 32);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    putHalf(target, block, codes.d);
    putHalf(target, block + 2, codes.dMin);
    Q4_0Codec.packNibbles(codes.quants, 0, target, block + 4);
  }
}
