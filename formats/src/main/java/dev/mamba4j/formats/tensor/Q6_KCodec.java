package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Symmetric 6-bit integers in 16 groups of 16 with signed 8-bit scales: blocks of 256, {@code value
 * = d * scale * (q - 32)}.
 *
 * <p>Layout of a block: the low four bits of q (128 bytes), the upper two (64 bytes), scales (16
 * bytes), d (2 bytes). Each half of the values has 64 bytes of low bits: values 0 to 63 of the half
 * in the low nibbles, 64 to 127 in the high ones. Its 32 bytes of upper bits hold, from the low
 * bits up, values 0 to 31, 32 to 63, 64 to 95 and 96 to 127.
 */
final class Q6_KCodec extends QuantizedCodec {
  private static final int UPPER_BITS = 128;
  private static final int SCALES = 192;
  private static final int D = 208;

  Q6_KCodec() {
    super(256, 210);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float d = half(source, block + D);
    for (int group = 0; group < 16; group++) {
      float scale = d * source.get(ValueLayout.JAVA_BYTE, block + SCALES + group);
      for (int i = 16 * group; i < 16 * group + 16; i++) {
        int half = i / 128;
        int inHalf = i % 128;
        int low = nibble(source, block + 64L * half + inHalf % 64, inHalf < 64 ? 0 : 4);
        int high = Q2_KCodec.quant(source, block + UPPER_BITS, i);
        target[to + i] = scale * ((low | (high << 4)) - 32);
      }
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new SymmetricQuantizer(this, Levels.linear(-32, 31), 16, 16, -128, 127, 0);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    for (int half = 0; half < 2; half++) {
      for (int i = 0; i < 64; i++) {
        int at = 128 * half + i;
        int low = codes.quants[at] & 15;
        putByte(target, block + 64L * half + i, low | ((codes.quants[at + 64] & 15) << 4));
      }
    }
    Q2_KCodec.packPairs(codes.quants, 4, target, block + UPPER_BITS);
    for (int group = 0; group < 16; group++) {
      putByte(target, block + SCALES + group, codes.scales[group]);
    }
    putHalf(target, block + D, codes.d);
  }
}
