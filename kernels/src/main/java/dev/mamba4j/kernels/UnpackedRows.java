package dev.mamba4j.kernels;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory of one thread for parts of quantized rows in a form that all types share: signed bytes
 * and, for each group of 16, a float scale and for some types a minimum:
 *
 * <pre>
 * weight[i] = scale[i / 16] * quant[i] + minimum[i / 16]
 * </pre>
 *
 * <p>It stays in the caches, so that unpacking costs little more than its arithmetic, and whatever
 * a weight's type, one loop multiplies it.
 */
final class UnpackedRows {
  /** Rows there is room for. */
  static final int ROWS = 32;

  /** Columns unpacked at a time at most; whole blocks of all types. */
  static final int COLUMNS = 2560;

  /** Weights that share a scale. */
  static final int GROUP = 16;

  /** Bytes from the scales or minimums of one row to those of the next. */
  static final int SCALES_STRIDE = 4 * COLUMNS / GROUP;

  private static final long CACHE_LINE = 64;
  private static final long SCALES = (long) ROWS * COLUMNS;
  private static final long MINIMUMS = SCALES + (long) ROWS * SCALES_STRIDE;
  private static final long SIZE = MINIMUMS + (long) ROWS * SCALES_STRIDE;

  private static final ThreadLocal<UnpackedRows> OF_THREAD =
      ThreadLocal.withInitial(UnpackedRows::new);

  private final MemorySegment rows = Arena.ofAuto().allocate(SIZE, CACHE_LINE);

  private UnpackedRows() {}

  static UnpackedRows ofThread() {
    return OF_THREAD.get();
  }

  /** int8 (COLUMNS). */
  long quants(int row) {
    return rows.address() + (long) row * COLUMNS;
  }

  /** float32 (COLUMNS / GROUP). */
  long scales(int row) {
    return rows.address() + SCALES + (long) row * SCALES_STRIDE;
  }

  /** float32 (COLUMNS / GROUP), if the type {@link #hasMinimums}. */
  long minimums(int row) {
    return rows.address() + MINIMUMS + (long) row * SCALES_STRIDE;
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
    long quants = quants(row);
    long scales = scales(row);
    long minimums = minimums(row);
    switch (type) {
      case Q8_0 -> PlainBlocks.unpackQ8_0(from, blocks, quants, scales);
      case Q4_0 -> PlainBlocks.unpackQ4_0(from, blocks, quants, scales);
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
    if (hasGroupsOf32(type)) {
      Lanes.repeat(scales, columns / 32);
      if (hasMinimums(type)) {
        Lanes.repeat(minimums, columns / 32);
      }
    }
  }

  /** Whether {@link #unpack} works for a type. */
  static boolean supports(TensorType type) {
    return switch (type) {
      case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> true;
      default -> false;
    };
  }

  private static boolean hasGroupsOf32(TensorType type) {
    return switch (type) {
      case Q2_K, Q3_K, Q6_K -> false;
      default -> true;
    };
  }

  /** Whether groups have minimums. */
  static boolean hasMinimums(TensorType type) {
    return switch (type) {
      case Q4_1, Q5_1, Q2_K, Q4_K, Q5_K -> true;
      default -> false;
    };
  }
}
