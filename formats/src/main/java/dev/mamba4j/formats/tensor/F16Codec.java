package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/** IEEE 754 half precision, rounded to nearest even. */
final class F16Codec implements BlockCodec {
  @Override
  public void decode(
      MemorySegment source, long sourceOffset, float[] target, int targetOffset, int count) {
    for (int i = 0; i < count; i++) {
      target[targetOffset + i] = Float.float16ToFloat(source.get(SHORT, sourceOffset + 2L * i));
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
      target.set(SHORT, targetOffset + 2L * i, Float.floatToFloat16(source[sourceOffset + i]));
    }
  }
}
