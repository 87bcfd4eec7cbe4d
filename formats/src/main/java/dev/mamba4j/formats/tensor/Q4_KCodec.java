package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * 4-bit integers in 8 groups of 32 with 6-bit scales and minimums: blocks of 256, {@code value = d
 * * scale * q - dmin * min}.
 *
 * <p>Layout of a block: d, dmin (2 bytes each), scales and minimums (12 bytes), q (128 bytes). 32
 * bytes of q hold two groups, the first in the low nibbles. The bytes of the scales come in three
 * rows of four, seen here as bits from high to low:
 *
 * <pre>
 * scale j + 4, bits 5 and 4 | scale j             for j = 0 to 3
 * min   j + 4, bits 5 and 4 | min j
 * min   j + 4, bits 3 to 0  | scale j + 4, bits 3 to 0
 * </pre>
 */
final class Q4_KCodec extends QuantizedCodec {
  private static final int D_MIN = 2;
  private static final int SCALES = 4;
  private static final int QUANTS = 16;

  Q4_KCodec() {
    super(256, 144);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float d = half(source, block);
    float dMin = half(source, block + D_MIN);
    for (int group = 0; group < 8; group++) {
      float scale = d * scale(source, block + SCALES, group);
      float minimum = dMin * minimum(source, block + SCALES, group);
      for (int i = 0; i < 32; i++) {
        target[to + 32 * group + i] = scale * quant(source, block + QUANTS, group, i) - minimum;
      }
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new AffineQuantizer(this, 15, 32, 8, 63);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    putHalf(target, block, codes.d);
    putHalf(target, block + D_MIN, codes.dMin);
    packScales(codes, target, block + SCALES);
    packNibbles(codes.quants, target, block + QUANTS);
  }

  /** Value i of a group; 0 to 15. */
  static int quant(MemorySegment source, long quants, int group, int i) {
    return nibble(source, quants + 32L * (group / 2) + i, 4 * (group % 2));
  }

  /** Scale of a group; 0 to 63. */
  static int scale(MemorySegment source, long scales, int group) {
    return group < 4
        ? unsigned(source, scales + group) & 63
        : nibble(source, scales + 4 + group, 0)
            | ((unsigned(source, scales + group - 4) >> 6) << 4);
  }

  /** Minimum of a group; 0 to 63. */
  static int minimum(MemorySegment source, long scales, int group) {
    return group < 4
        ? unsigned(source, scales + 4 + group) & 63
        : nibble(source, scales + 4 + group, 4) | ((unsigned(source, scales + group) >> 6) << 4);
  }

  /** The way back from {@link #scale} and {@link #minimum}. */
  static void packScales(BlockCodes codes, MemorySegment target, long at) {
    for (int j = 0; j < 4; j++) {
      int scale = codes.scales[j + 4];
      int minimum = codes.minimums[j + 4];
      putByte(target, at + j, codes.scales[j] | ((scale >> 4) << 6));
      putByte(target, at + 4 + j, codes.minimums[j] | ((minimum >> 4) << 6));
      putByte(target, at + 8 + j, (scale & 15) | ((minimum & 15) << 4));
    }
  }

  /** The low four bits of 256 quants; the way back from {@link #quant}. */
  static void packNibbles(int[] quants, MemorySegment target, long at) {
    for (int pair = 0; pair < 4; pair++) {
      for (int i = 0; i < 32; i++) {
        int low = quants[64 * pair + i] & 15;
        putByte(target, at + 32L * pair + i, low | ((quants[64 * pair + 32 + i] & 15) << 4));
      }
    }
  }
}
