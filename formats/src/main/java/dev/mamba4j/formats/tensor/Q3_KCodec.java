package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Symmetric 3-bit integers in 16 groups of 16 with 6-bit scales: blocks of 256, {@code value = d *
 * (scale - 32) * (q - 4)}.
 *
 * <p>Layout of a block: the third bits of q (32 bytes: bit k of byte j is that of value 32 k + j),
 * the other two as in {@link Q2_KCodec} (64 bytes), scales (12 bytes), d (2 bytes). The low four
 * bits of scales 0 to 7 are the low nibbles of the first eight bytes of scales, those of 8 to 15
 * the high nibbles. The last four bytes hold the upper two bits: from the low bits up, byte j has
 * those of scales j, j + 4, j + 8 and j + 12.
 */
final class Q3_KCodec extends QuantizedCodec {
  private static final int QUANTS = 32;
  private static final int SCALES = 96;
  private static final int D = 108;

  Q3_KCodec() {
    super(256, 110);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float d = half(source, block + D);
    for (int group = 0; group < 16; group++) {
      float scale = d * (scale(source, block + SCALES, group) - 32);
      for (int i = 16 * group; i < 16 * group + 16; i++) {
        int quant =
            Q2_KCodec.quant(source, block + QUANTS, i) | (bit(source, block + i % 32, i / 32) << 2);
        target[to + i] = scale * (quant - 4);
      }
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new SymmetricQuantizer(this, Levels.linear(-4, 3), 16, 16, -32, 31, 32);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    for (int i = 0; i < 32; i++) {
      int bits = 0;
      for (int j = 0; j < 8; j++) {
        bits |= (codes.quants[32 * j + i] >> 2) << j;
      }
      putByte(target, block + i, bits);
    }
    Q2_KCodec.packPairs(codes.quants, 0, target, block + QUANTS);
    target.asSlice(block + SCALES, 12).fill((byte) 0);
    for (int group = 0; group < 16; group++) {
      int scale = codes.scales[group];
      addBits(target, block + SCALES + group % 8, (scale & 15) << (group < 8 ? 0 : 4));
      addBits(target, block + SCALES + 8 + group % 4, (scale >> 4) << (2 * (group / 4)));
    }
    putHalf(target, block + D, codes.d);
  }

  private static int scale(MemorySegment source, long scales, int group) {
    int low = nibble(source, scales + group % 8, group < 8 ? 0 : 4);
    int high = (unsigned(source, scales + 8 + group % 4) >> (2 * (group / 4))) & 3;
    return low | (high << 4);
  }
}
