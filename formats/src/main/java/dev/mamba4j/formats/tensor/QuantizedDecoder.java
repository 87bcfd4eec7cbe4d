package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Decodes one block after the other. Blocks are those of ggml: quants q of a few bits, packed into
 * bytes from the low bits up, and scales in half precision.
 */
abstract class QuantizedDecoder implements BlockDecoder {
  private final int blockSize;
  private final int blockBytes;

  QuantizedDecoder(int blockSize, int blockBytes) {
    this.blockSize = blockSize;
    this.blockBytes = blockBytes;
  }

  @Override
  public final void decode(
      MemorySegment source, long sourceOffset, float[] target, int targetOffset, int count) {
    for (int block = 0; block < count / blockSize; block++) {
      long at = sourceOffset + (long) block * blockBytes;
      decodeBlock(source, at, target, targetOffset + block * blockSize);
    }
  }

  /**
   * Decodes one block.
   *
   * @param block offset of its first byte
   * @param to index of its first value
   */
  abstract void decodeBlock(MemorySegment source, long block, float[] target, int to);

  /** A half-precision number. */
  static float half(MemorySegment source, long at) {
    return Float.float16ToFloat(source.get(SHORT, at));
  }

  /** A byte from 0 to 255. */
  static int unsigned(MemorySegment source, long at) {
    return source.get(ValueLayout.JAVA_BYTE, at) & 0xff;
  }

  /** The 4 bits of a byte that begin at bit {@code shift}, 0 or 4. */
  static int nibble(MemorySegment source, long at, int shift) {
    return (unsigned(source, at) >> shift) & 0xf;
  }

  /** One bit of a byte, as 0 or 1. */
  static int bit(MemorySegment source, long at, int bit) {
    return (unsigned(source, at) >> bit) & 1;
  }
}
