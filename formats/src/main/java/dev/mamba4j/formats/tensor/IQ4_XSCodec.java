package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * 4-bit codes of unevenly spaced levels in 8 groups of 32 with 6-bit scales: blocks of 256, {@code
 * value = d * (scale - 32) * level(code)}, see {@link NonlinearLevels}.
 *
 * <p>Layout of a block: d (2 bytes), the upper two bits of the scales (2 bytes, group 0 in the
 * lowest), their low four bits (4 bytes; even groups in the low nibbles), codes (128 bytes, each
 * group as in {@link IQ4_NLCodec}).
 */
final class IQ4_XSCodec extends QuantizedCodec {
  private static final int UPPER_BITS = 2;
  private static final int LOW_BITS = 4;
  private static final int CODES = 8;

  IQ4_XSCodec() {
    super(256, 136);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float d = half(source, block);
    for (int group = 0; group < 8; group++) {
      int low = nibble(source, block + LOW_BITS + group / 2, 4 * (group % 2));
      int high = (unsigned(source, block + UPPER_BITS + group / 4) >> (2 * (group % 4))) & 3;
      float scale = d * ((low | (high << 4)) - 32);
      IQ4_NLCodec.decodeCodes(scale, source, block + CODES + 16L * group, target, to + 32 * group);
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new SymmetricQuantizer(this, NonlinearLevels.all(), 32, 8, -32, 31, 32);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    putHalf(target, block, codes.d);
    for (int i = 0; i < 2; i++) {
      int bits = 0;
      for (int j = 0; j < 4; j++) {
        bits |= (codes.scales[4 * i + j] >> 4) << (2 * j);
      }
      putByte(target, block + UPPER_BITS + i, bits);
    }
    for (int i = 0; i < 4; i++) {
      int low = codes.scales[2 * i] & 15;
      putByte(target, block + LOW_BITS + i, low | ((codes.scales[2 * i + 1] & 15) << 4));
    }
    for (int group = 0; group < 8; group++) {
      Q4_0Codec.packNibbles(codes.quants, 32 * group, target, block + CODES + 16L * group);
    }
  }
}
