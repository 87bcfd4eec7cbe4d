package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/** IEEE 754 single precision. */
final class F32Codec implements BlockCodec {
  @Override
  public void decode(
      MemorySegment source, long sourceOffset, float[] target, int targetOffset, int count) {
    MemorySegment.copy(source, FLOAT, sourceOffset, target, targetOffset, count);
  }

  @Override
  public void encode(
      float[] source,
      int sourceOffset,
      float[] importance,
      MemorySegment target,
      long targetOffset,
      int count) {
    MemorySegment.copy(source, sourceOffset, target, FLOAT, targetOffset, count);
  }
}
