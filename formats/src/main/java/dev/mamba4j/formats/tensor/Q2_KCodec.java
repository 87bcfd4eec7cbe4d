package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * 2-bit integers in 16 groups of 16 with 4-bit scales and minimums: blocks of 256, {@code value = d
 * * scale * q - dmin * min}.
 *
 * <p>Layout of a block: scale and min of each group in the low and high nibble of a byte (16
 * bytes), q (64 bytes), d, dmin (2 bytes each). Each half of the values has 32 bytes of q; from the
 * low bits up they hold values 0 to 31, 32 to 63, 64 to 95 and 96 to 127 of the half.
 */
final class Q2_KCodec extends QuantizedCodec {
  private static final int QUANTS = 16;
  private static final int D = 80;
  private static final int D_MIN = 82;

  Q2_KCodec() {
    super(256, 84);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float d = half(source, block + D);
    float dMin = half(source, block + D_MIN);
    for (int group = 0; group < 16; group++) {
      float scale = d * nibble(source, block + group, 0);
      float minimum = dMin * nibble(source, block + group, 4);
      for (int i = 0; i < 16; i++) {
        target[to + 16 * group + i] =
            scale * quant(source, block + QUANTS, 16 * group + i) - minimum;
      }
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new AffineQuantizer(this, 3, 16, 16, 15);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    for (int group = 0; group < 16; group++) {
      putByte(target, block + group, codes.scales[group] | (codes.minimums[group] << 4));
    }
    packPairs(codes.quants, 0, target, block + QUANTS);
    putHalf(target, block + D, codes.d);
    putHalf(target, block + D_MIN, codes.dMin);
  }

  /** Two bits of value i of 256; 0 to 3. */
  static int quant(MemorySegment source, long quants, int i) {
    int half = i / 128;
    int shift = 2 * (i % 128 / 32);
    return (unsigned(source, quants + 32L * half + i % 32) >> shift) & 3;
  }

  /** Two bits of each of 256 quants, those from bit {@code shift} on; the way back from quant. */
  static void packPairs(int[] quants, int shift, MemorySegment target, long at) {
    for (int half = 0; half < 2; half++) {
      for (int i = 0; i < 32; i++) {
        int bits = 0;
        for (int j = 0; j < 4; j++) {
          bits |= ((quants[128 * half + 32 * j + i] >> shift) & 3) << (2 * j);
        }
        putByte(target, at + 32L * half + i, bits);
      }
    }
  }
}
