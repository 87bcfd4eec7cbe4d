package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Symmetric 8-bit integers: blocks of 32 values, {@code value = d * q} with one half-precision
 * scale {@code d = max|value| / 127} and signed bytes q.
 *
 * <p>Layout of a block: d (2 bytes), q (32 bytes). Encoding gives the bytes that llama.cpp's {@code
 * quantize_row_q8_0_ref} gives: the quotient is taken with the unrounded scale and rounded half
 * away from zero.
 */
final class Q8_0Codec extends QuantizedCodec implements BlockCodec {
  private static final int BLOCK = 32;
  private static final int BLOCK_BYTES = 34;

  Q8_0Codec() {
    super(BLOCK, BLOCK_BYTES);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float scale = half(source, block);
    for (int i = 0; i < BLOCK; i++) {
      target[to + i] = scale * source.get(ValueLayout.JAVA_BYTE, block + 2 + i);
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new SymmetricQuantizer(this, Levels.linear(-127, 127), 32);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    putHalf(target, block, codes.d);
    for (int i = 0; i < BLOCK; i++) {
      putByte(target, block + 2 + i, codes.quants[i] - 127);
    }
  }

  @Override
  public void encode(
      float[] source,
      int sourceOffset,
      float[] importance,
      MemorySegment target,
      long targetOffset,
      int count) {
    // States are packed so while others wait for their tokens: these loops become vectors.
    byte[] quants = new byte[BLOCK];
    for (int block = 0; block < count / BLOCK; block++) {
      int from = sourceOffset + block * BLOCK;
      int max = 0; // magnitudes have the order of their bits
      for (int i = 0; i < BLOCK; i++) {
        max = Math.max(max, Float.floatToRawIntBits(source[from + i]) & Integer.MAX_VALUE);
      }
      float scale = Float.intBitsToFloat(max) / 127;
      float inverse = scale == 0 ? 0 : 1 / scale;
      for (int i = 0; i < BLOCK; i++) {
        quants[i] = (byte) roundHalfAway(source[from + i] * inverse);
      }
      long at = targetOffset + (long) block * BLOCK_BYTES;
      target.set(SHORT, at, Float.floatToFloat16(scale));
      MemorySegment.copy(quants, 0, target, ValueLayout.JAVA_BYTE, at + 2, BLOCK);
    }
  }

  /**
   * C's {@code roundf} for |x| far below 2^23: the rest is exact, and twice it is 1 from a half.
   */
  private static int roundHalfAway(float x) {
    int truncated = (int) x;
    return truncated + (int) (2 * (x - truncated));
  }
}
