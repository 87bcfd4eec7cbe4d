package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Makes weights floats, whatever their type: {@code scale * quant + minimum}, rounded once.
 * Products with one token make the same floats in registers.
 */
final class FloatRows {
  private static final int NIBBLE = 15;

  /** What Q4_0 stores for 0. */
  private static final int ZERO = 8;

  private FloatRows() {}

  /**
   * Unpacks a part of a row.
   *
   * @param from address of its first block
   * @param columns whole blocks and whole vectors, at most {@link UnpackedRows#COLUMNS}
   * @param target address of float32 (columns)
   */
  static void unpack(TensorType type, long from, int columns, long target) {
    switch (type) {
      case F32 -> MemorySegment.copy(MEMORY, from, MEMORY, target, 4L * columns);
      case F16 -> unpackF16(from, columns, target);
      case BF16 -> unpackBF16(from, columns, target);
      case Q8_0 -> unpackQ8_0(from, columns / 32, target);
      case Q4_0 -> unpackQ4_0(from, columns / 32, target);
      default -> {
        UnpackedRows rows = UnpackedRows.ofThread();
        rows.unpack(type, from, columns, 0);
        int group = UnpackedRows.group(type);
        long minimums = rows.minimums(type);
        unpackQuants(columns / 32, group, rows.quants(), rows.scales(), minimums, target);
      }
    }
  }

  private static void unpackF16(long from, int columns, long target) {
    long in = Lanes.address(from);
    long out = Lanes.address(target);
    for (int i = 0; i < columns; i += COUNT) {
      Lanes.loadHalves(in + 2L * i).intoMemorySegment(MEMORY, out + 4L * i, ORDER);
    }
  }

  private static void unpackBF16(long from, int columns, long target) {
    long in = Lanes.address(from);
    long out = Lanes.address(target);
    for (int i = 0; i < columns; i += COUNT) {
      Lanes.loadBrainHalves(in + 2L * i).intoMemorySegment(MEMORY, out + 4L * i, ORDER);
    }
  }

  private static void unpackQ8_0(long from, int blocks, long target) {
    long in = Lanes.address(from);
    long out = Lanes.address(target);
    for (int block = 0; block < blocks; block++) {
      long quants = in + 34L * block + 2;
      FloatVector scale = broadcast(FLOATS, Lanes.loadHalf(in + 34L * block));
      for (int i = 0; i < 32; i += COUNT) {
        long to = out + 128L * block + 4L * i;
        Lanes.loadBytes(quants + i).mul(scale).intoMemorySegment(MEMORY, to, ORDER);
      }
    }
  }

  private static void unpackQ4_0(long from, int blocks, long target) {
    long in = Lanes.address(from);
    long out = Lanes.address(target);
    for (int block = 0; block < blocks; block++) {
      long quants = in + 18L * block + 2;
      FloatVector scale = broadcast(FLOATS, Lanes.loadHalf(in + 18L * block));
      for (int i = 0; i < 16; i += COUNT) {
        long to = out + 128L * block + 4L * i;
        IntVector q = Lanes.loadUnsignedBytes(quants + i);
        IntVector low = q.and(NIBBLE).sub(ZERO);
        IntVector high = q.lanewise(LSHR, 4).sub(ZERO);
        FloatVector first = (FloatVector) low.convertShape(I2F, FLOATS, 0);
        FloatVector second = (FloatVector) high.convertShape(I2F, FLOATS, 0);
        first.mul(scale).intoMemorySegment(MEMORY, to, ORDER);
        second.mul(scale).intoMemorySegment(MEMORY, to + 64, ORDER);
      }
    }
  }

  /**
   * What {@link UnpackedRows} have of a row, 32 columns at a time.
   *
   * @param group 32, or 16 where each half of the 32 has a scale of its own
   */
  private static void unpackQuants(
      int count, int group, long quants, long scales, long minimums, long target) {
    long from = Lanes.address(quants);
    long factors = Lanes.address(scales);
    long offsets = Lanes.address(minimums);
    long out = Lanes.address(target);
    int shift = group == 32 ? 2 : 3;
    long second = group == 32 ? 0 : 4;
    for (int i = 0; i < count; i++) {
      long at = (long) i << shift;
      FloatVector d = broadcast(FLOATS, Lanes.loadFloat(factors + at));
      FloatVector m = broadcast(FLOATS, Lanes.loadFloat(offsets + at));
      FloatVector e = broadcast(FLOATS, Lanes.loadFloat(factors + at + second));
      FloatVector n = broadcast(FLOATS, Lanes.loadFloat(offsets + at + second));
      long q = from + 32L * i;
      long to = out + 128L * i;
      for (int c = 0; c < 16; c += COUNT) {
        Lanes.loadBytes(q + c).fma(d, m).intoMemorySegment(MEMORY, to + 4L * c, ORDER);
        Lanes.loadBytes(q + 16 + c).fma(e, n).intoMemorySegment(MEMORY, to + 64 + 4L * c, ORDER);
      }
    }
  }
}
