package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/** The upper half of a single-precision float, rounded to nearest even; a NaN stays a quiet NaN. */
final class BF16Codec implements BlockCodec {
  @Override
  public void decode(
      MemorySegment source, long sourceOffset, float[] target, int targetOffset, int count) {
    for (int i = 0; i < count; i++) {
      int upper = source.get(SHORT, sourceOffset + 2L * i);
      target[targetOffset + i] = Float.intBitsToFloat(upper << 16);
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
    for (int i = 0; i < count; i++) {
      target.set(SHORT, targetOffset + 2L * i, round(source[sourceOffset + i]));
    }
  }

  private static short round(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    int nearestEven = 0x7fff + ((bits >>> 16) & 1);
    return (short) ((bits + nearestEven) >>> 16);
  }
}
