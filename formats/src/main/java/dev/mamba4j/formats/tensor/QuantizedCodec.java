package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads and writes one block after the other. Blocks are those of ggml: quants q of a few bits,
 * packed into bytes from the low bits up, and scales in half precision. Which integers a block gets
 * is the business of its {@link BlockQuantizer}; a codec only knows where they lie.
 */
abstract class QuantizedCodec implements BlockCodec {
  private final int blockSize;
  private final int blockBytes;

  QuantizedCodec(int blockSize, int blockBytes) {
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

  @Override
  public void encode(
      float[] source,
      int sourceOffset,
      float[] importance,
      MemorySegment target,
      long targetOffset,
      int count) {
    BlockQuantizer quantizer = quantizer();
    int columns = importance == null ? count : importance.length;
    for (int block = 0; block < count / blockSize; block++) {
      int first = block * blockSize;
      quantizer.fit(source, sourceOffset + first, importance, first % columns);
      quantizer.write(target, targetOffset + (long) block * blockBytes);
    }
  }

  /** What finds the integers of blocks of this type. */
  abstract BlockQuantizer quantizer();

  /**
   * Decodes one block.
   *
   * @param block offset of its first byte
   * @param to index of its first value
   */
  abstract void decodeBlock(MemorySegment source, long block, float[] target, int to);

  /**
   * Writes the integers of one block.
   *
   * @param block offset of its first byte; the bytes are all overwritten
   */
  abstract void packBlock(BlockCodes codes, MemorySegment target, long block);

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

  /** Writes a number that half precision holds. */
  static void putHalf(MemorySegment target, long at, float value) {
    target.set(SHORT, at, Float.floatToFloat16(value));
  }

  /** Writes the low 8 bits. */
  static void putByte(MemorySegment target, long at, int value) {
    target.set(ValueLayout.JAVA_BYTE, at, (byte) value);
  }

  /** Adds bits to a byte that has none of them. */
  static void addBits(MemorySegment target, long at, int bits) {
    putByte(target, at, unsigned(target, at) | bits);
  }
}
