package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How the values of one tensor type are laid out in memory: whole blocks, little-endian, one after
 * the other. Plain Java, written to be read; the fast versions live in the kernels and are tested
 * against this.
 *
 * <p>Offsets into segments are in bytes, offsets into arrays and counts in values. A count must be
 * a multiple of the type's block size, which {@link TensorType#decode} and {@link
 * TensorType#encode} check.
 */
interface BlockCodec {
  ValueLayout.OfShort SHORT = TensorType.LITTLE_ENDIAN_SHORT;
  ValueLayout.OfFloat FLOAT = TensorType.LITTLE_ENDIAN_FLOAT;

  void decode(MemorySegment source, long sourceOffset, float[] target, int targetOffset, int count);

  void encode(float[] source, int sourceOffset, MemorySegment target, long targetOffset, int count);
}
