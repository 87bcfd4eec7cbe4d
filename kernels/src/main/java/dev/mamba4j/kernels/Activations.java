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
 * @param quants int8 (rows, columns), empty for block 0
 * @param scales float32 (rows, columns / block), empty for block 0
 * @param sums int32 (rows, columns / 16), empty for block 0
 */
public record Activations(
    Vectors values, int block, MemorySegment quants, MemorySegment scales, MemorySegment sums) {
  /** How many quants are added up in {@link #sums}. */
  public static final int SUM_BLOCK = 16;

  private static final long CACHE_LINE = 64;

  /**
   * Room for {@code rows} vectors.
   *
   * @param block what {@link Kernels#activationBlock} says for the weights, or 0 for exact products
   */
  public static Activations allocate(Arena arena, int rows, int columns, int block) {
    Vectors values = Vectors.allocate(arena, rows, columns);
    if (block == 0) {
      return new Activations(values, 0, MemorySegment.NULL, MemorySegment.NULL, MemorySegment.NULL);
    }
    if (columns % block != 0) {
      throw new IllegalArgumentException(columns + " columns are not whole blocks of " + block);
    }
    long count = (long) rows * columns;
    return new Activations(
        values,
        block,
        arena.allocate(count, CACHE_LINE),
        arena.allocate(4 * count / block, CACHE_LINE),
        arena.allocate(4 * count / SUM_BLOCK, CACHE_LINE));
  }

  /** Values in a vector. */
  public int columns() {
    return values.columns();
  }

  /** Whether products take the int8 form. */
  public boolean quantized() {
    return block != 0;
  }
}
