package dev.mamba4j.kernels;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory of one thread for parts of quantized rows in a form that all types share: signed bytes, a
 * float scale for each group of them and, for some types, a minimum:
 *
 * <pre>
 * weight[i] = scale[i / group] * quant[i] + minimum[i / group]
 * </pre>
 *
 * <p>It is small enough to stay in the cache of the first level, so that unpacking costs little
 * more than its arithmetic, and whatever a weight's type, one loop multiplies it.
 */
final class UnpackedRows {
  /** Rows unpacked at a time. */
  static final int ROWS = 4;

  /** Columns unpacked at a time at most; whole blocks of all types. */
  static final int COLUMNS = 2560;

  /** Bytes from the scales or minimums of one row to those of the next. */
  static final int SCALES_STRIDE = 4 * COLUMNS / 16;

  private static final long CACHE_LINE = 64;
  private static final long SCALES = (long) ROWS * COLUMNS;
  private static final long MINIMUMS = SCALES + (long) ROWS * SCALES_STRIDE;
  private static final long ZEROS = MINIMUMS + (long) ROWS * SCALES_STRIDE;
  private static final long SIZE = ZEROS + (long) ROWS * SCALES_STRIDE;

  private static final ThreadLocal<UnpackedRows> OF_THREAD =
      ThreadLocal.withInitial(UnpackedRows::new);

  private final MemorySegment rows = Arena.ofAuto().allocate(SIZE, CACHE_LINE);

  private UnpackedRows() {}

  static UnpackedRows ofThread() {
    return OF_THREAD.get();
  }

  /** int8 (ROWS, COLUMNS). */
  long quants() {
    return rows.address();
  }

  /** float32 (ROWS, groups of a row), with room for COLUMNS / 16. */
  long scales() {
    return rows.address() + SCALES;
  }

  /** float32, as {@link #scales}; zeros for types that have none. */
  long minimums(TensorType type) {
    return rows.address() + (hasMinimums(type) ? MINIMUMS : ZEROS);
  }

  /**
   * Unpacks a part of a row.
   *
   * @param from address of its first block
   * @param columns whole blocks, at most COLUMNS
   * @param row which of ROWS to fill
   */
  void unpack(TensorType type, long from, int columns, int row) {
    int blocks = columns / type.blockSize();
    long quants = quants() + (long) row * COLUMNS;
    long scales = scales() + (long) row * SCALES_STRIDE;
    long minimums = minimums(type) + (long) row * SCALES_STRIDE;
    switch (type) {
      case Q4_1 -> PlainBlocks.unpackQ4_1(from, blocks, quants, scales, minimums);
      case Q5_0 -> PlainBlocks.unpackQ5_0(from, blocks, quants, scales);
      case Q5_1 -> PlainBlocks.unpackQ5_1(from, blocks, quants, scales, minimums);
      case IQ4_NL -> PlainBlocks.unpackIQ4_NL(from, blocks, quants, scales);
      case IQ4_XS -> SuperBlocks.unpackIQ4_XS(from, blocks, quants, scales);
      case Q2_K -> SuperBlocks.unpackQ2_K(from, blocks, quants, scales, minimums);
      case Q3_K -> SuperBlocks.unpackQ3_K(from, blocks, quants, scales);
      case Q4_K -> SuperBlocks.unpackQ4_K(from, blocks, quants, scales, minimums);
      case Q5_K -> SuperBlocks.unpackQ5_K(from, blocks, quants, scales, minimums);
      case Q6_K -> SuperBlocks.unpackQ6_K(from, blocks, quants, scales);
      default -> throw new IllegalArgumentException("cannot unpack " + type);
    }
  }

  /** Whether {@link #unpack} works for a type. */
  static boolean supports(TensorType type) {
    return switch (type) {
      case Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> true;
      default -> false;
    };
  }

  /** Weights that share a scale, 16 or 32. */
  static int group(TensorType type) {
    return switch (type) {
      case Q2_K, Q3_K, Q6_K -> 16;
      default -> 32;
    };
  }

  /** Whether groups have minimums. */
  private static boolean hasMinimums(TensorType type) {
    return switch (type) {
      case Q4_1, Q5_1, Q2_K, Q4_K, Q5_K -> true;
      default -> false;
    };
  }
}
