package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Writes values as one tensor type, the way back from a {@link BlockDecoder} and with the same
 * units. {@link TensorType#encode} checks that a count is whole blocks.
 */
interface BlockEncoder {
  void encode(float[] source, int sourceOffset, MemorySegment target, long targetOffset, int count);
}
