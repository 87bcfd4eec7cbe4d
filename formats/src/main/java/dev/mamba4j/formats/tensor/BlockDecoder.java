package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads the values of one tensor type from memory: whole blocks, little-endian, one after the
 * other. Plain Java, written to be read; the fast versions live in the kernels and are tested
 * against this.
 *
 * <p>Offsets into segments are in bytes, offsets into arrays and counts in values. A count must be
 * a multiple of the type's block size, which {@link TensorType#decode} checks.
 */
interface BlockDecoder {
  ValueLayout.OfShort SHORT = TensorType.LITTLE_ENDIAN_SHORT;
  ValueLayout.OfFloat FLOAT = TensorType.LITTLE_ENDIAN_FLOAT;

  void decode(MemorySegment source, long sourceOffset, float[] target, int targetOffset, int count);
}
