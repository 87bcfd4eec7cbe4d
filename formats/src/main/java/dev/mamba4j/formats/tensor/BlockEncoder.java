package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Writes values as one tensor type, the way back from a {@link BlockDecoder} and with the same
 * units. {@link TensorType#encode} checks that a count is whole blocks.
 */
interface BlockEncoder {
  /**
   * Encodes values.
   *
   * @param importance (columns) what the error at each column counts, for values that are whole
   *     rows; null if all count alike
   */
  void encode(
      float[] source,
      int sourceOffset,
      float[] importance,
      MemorySegment target,
      long targetOffset,
      int count);
}
