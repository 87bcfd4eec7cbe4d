package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * 5-bit integers in 8 groups of 32 with 6-bit scales and minimums: blocks of 256, {@code value = d
 * * scale * q - dmin * min}.
 *
 * <p>Layout of a block: d, dmin (2 bytes each), scales and minimums (12 bytes), the fifth bits of q
 * (32 bytes: bit k of byte j is that of value j of group k), the other four (128 bytes). Scales and
 * nibbles lie as in {@link Q4_KCodec}.
 */
final class Q5_KCodec extends QuantizedCodec {
  private static final int D_MIN = 2;
  private static final int SCALES = 4;
  private static final int FIFTH_BITS = 16;
  private static final int QUANTS = 48;

  Q5_KCodec() {
    super(256, 176);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float d = half(source, block);
    float dMin = half(source, block + D_MIN);
    for (int group = 0; group < 8; group++) {
      float scale = d * Q4_KCodec.scale(source, block + SCALES, group);
      float minimum = dMin * Q4_KCodec.minimum(source, block + SCALES, group);
      for (int i = 0; i < 32; i++) {
        int quant =
            Q4_KCodec.quant(source, block + QUANTS, group, i)
                | (bit(source, block + FIFTH_BITS + i, group) << 4);
        target[to + 32 * group + i] = scale * quant - minimum;
      }
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new AffineQuantizer(this, 31, 32, 8, 63);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    putHalf(target, block, codes.d);
    putHalf(target, block + D_MIN, codes.dMin);
    Q4_KCodec.packScales(codes, target, block + SCALES);
    for (int i = 0; i < 32; i++) {
      int bits = 0;
      for (int group = 0; group < 8; group++) {
        bits |= (codes.quants[32 * group + i] >> 4) << group;
      }
      putByte(target, block + FIFTH_BITS + i, bits);
    }
    Q4_KCodec.packNibbles(codes.quants, target, block + QUANTS);
  }
}
