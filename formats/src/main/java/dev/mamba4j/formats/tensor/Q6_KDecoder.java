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
final class Q6_KDecoder extends QuantizedDecoder {
  private static final int UPPER_BITS = 128;
  private static final int SCALES = 192;
  private static final int D = 208;

  Q6_KDecoder() {
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
        int high = Q2_KDecoder.quant(source, block + UPPER_BITS, i);
        target[to + i] = scale * ((low | (high << 4)) - 32);
      }
    }
  }
}
