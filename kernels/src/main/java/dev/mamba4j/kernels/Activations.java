package dev.mamba4j.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The inputs of matrix products: float32 vectors and, where the product is one of integers, their
 * int8 form.
 *
 * <p>A block of values shares a scale: {@code value ≈ scale * quant}, with {@code scale =
 * max|value| / 127}. The sums of each 16 quants serve the weight types that have an offset.
 *
 * @param values float32 (rows, columns)
 * @param block values that share a scale, or 0 if products take the floats
 * @param quants int8 (rows, columns)
 * @param scales float32 (rows, columns / block), room for the smallest block
 * @param sums int32 (rows, columns / 16)
 */
public record Activations(
    Vectors values, int block, MemorySegment quants, MemorySegment scales, MemorySegment sums) {
  /** How many quants are added up in {@link #sums}. */
  public static final int SUM_BLOCK = 16;

  private static final int SMALLEST_BLOCK = 32;
  private static final float MAX_HALF = 65504;
  private static final long CACHE_LINE = 64;

  /** Checks that vectors are whole blocks and that the memory holds their int8 form. */
  public Activations {
    if (block != 0) {
      if (block < SMALLEST_BLOCK || block % SUM_BLOCK != 0 || values.columns() % block != 0) {
        throw new IllegalArgumentException(
            values.columns() + " columns are not whole blocks of " + block);
      }
      long count = (long) values.rows() * values.columns();
      check("quants", quants, count);
      check("scales", scales, 4 * count / block);
      check("sums", sums, 4 * count / SUM_BLOCK);
    }
  }

  /** Room for {@code rows} vectors in any form; products take the floats. */
  public static Activations allocate(Arena arena, int rows, int columns) {
    long count = (long) rows * columns;
    return new Activations(
        Vectors.allocate(arena, rows, columns),
        0,
        arena.allocate(count, CACHE_LINE),
        arena.allocate(4 * count / SMALLEST_BLOCK, CACHE_LINE),
        arena.allocate(4 * count / SUM_BLOCK, CACHE_LINE));
  }

  /**
   * The same memory in another form.
   *
   * @param newBlock what {@link Kernels#activationBlock} says for the weights, or 0 for exact
   *     products
   */
  public Activations withBlock(int newBlock) {
    return new Activations(values, newBlock, quants, scales, sums);
  }

  /**
   * The scale of a block. In blocks of 32 it has half precision, as in ggml's 8-bit activations, so
   * that a model says here what it says there even where two tokens are nearly as probable.
   *
   * @param max the largest magnitude in the block
   * @return 0 where all values are as good as zero
   */
  static float scale(float max, int block) {
    float scale = max / 127;
    if (block == SMALLEST_BLOCK && scale <= MAX_HALF) {
      return Float.float16ToFloat(Float.floatToFloat16(scale));
    }
    // Below this the scale is inexact or its inverse infinite.
    return scale < Float.MIN_NORMAL ? 0 : scale;
  }

  /** Values in a vector. */
  public int columns() {
    return values.columns();
  }

  /** Whether products take the int8 form. */
  public boolean quantized() {
    return block != 0;
  }

  private static void check(String name, MemorySegment data, long bytes) {
    if (data.byteSize() < bytes || !data.isNative()) {
      throw new IllegalArgumentException(name + " take " + bytes + " bytes, given " + data);
    }
  }
}
