package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.mamba4j.formats.tensor.TensorType;
import jdk.incubator.vector.FloatVector;

/**
 * Products of one token with quantized rows that are unpacked first, see {@link UnpackedRows}: some
 * columns of four rows at a time. In registers a weight becomes the float that {@link FloatRows}
 * makes of it.
 */
final class UnpackedProducts {
  private static final int ROWS = UnpackedRows.ROWS;

  private UnpackedProducts() {}

  /** y[r] += Σ_c weights[r][c] * x[c]. */
  static void add(Matrix weights, int fromRow, int toRow, long x, long y) {
    for (int row = fromRow; row < toRow; row += ROWS) {
      addRows(weights, row, Math.min(ROWS, toRow - row), x, y);
    }
  }

  /** At most ROWS; what is unpacked of others is multiplied and not used. */
  private static void addRows(Matrix weights, int row, int rows, long x, long y) {
    TensorType type = weights.type();
    UnpackedRows unpacked = UnpackedRows.ofThread();
    long lanes = LaneSums.ofThread();
    LaneSums.clear(lanes, ROWS * LaneSums.STRIDE);
    for (int from = 0; from < weights.columns(); from += UnpackedRows.COLUMNS) {
      int columns = Math.min(UnpackedRows.COLUMNS, weights.columns() - from);
      long first = weights.rowAddress(row) + type.byteSize(from);
      for (int r = 0; r < rows; r++) {
        unpacked.unpack(type, first + r * weights.rowBytes(), columns, r);
      }
      addQuants(
          columns / 32,
          UnpackedRows.group(type),
          unpacked.quants(),
          unpacked.scales(),
          unpacked.minimums(type),
          x + 4L * from,
          lanes);
    }
    for (int r = 0; r < rows; r++) {
      long out = y + 4L * (row + r);
      Lanes.storeFloat(out, Lanes.loadFloat(out) + LaneSums.of(lanes + r * LaneSums.STRIDE));
    }
  }

  /**
   * Adds the products of four unpacked rows to the sums in {@code lanes}, 32 columns at a time. As
   * in {@link VectorProducts} the method is too large to be inlined.
   *
   * @param group 32, or 16 where each half of the 32 has a scale of its own
   */
  private static void addQuants(
      int count, int group, long quants, long scales, long minimums, long x, long lanes) {
    int shift = group == 32 ? 2 : 3;
    long second = group == 32 ? 0 : 4;
    long bytes = Lanes.address(quants);
    long factors = Lanes.address(scales);
    long offsets = Lanes.address(minimums);
    long in = Lanes.address(x);
    long sums = Lanes.address(lanes);
    FloatVector s0 = fromMemorySegment(FLOATS, MEMORY, sums, ORDER);
    FloatVector s1 = fromMemorySegment(FLOATS, MEMORY, sums + LaneSums.STRIDE, ORDER);
    FloatVector s2 = fromMemorySegment(FLOATS, MEMORY, sums + 2 * LaneSums.STRIDE, ORDER);
    FloatVector s3 = fromMemorySegment(FLOATS, MEMORY, sums + 3 * LaneSums.STRIDE, ORDER);
    for (int i = 0; i < count; i++) {
      for (int half = 0; half < 32; half += 16) {
        long q0 = bytes + 32L * i + half;
        long q1 = q0 + UnpackedRows.COLUMNS;
        long q2 = q1 + UnpackedRows.COLUMNS;
        long q3 = q2 + UnpackedRows.COLUMNS;
        long d = factors + ((long) i << shift) + (half >> 4) * second;
        long m = offsets + ((long) i << shift) + (half >> 4) * second;
        FloatVector d0 = broadcast(FLOATS, Lanes.loadFloat(d));
        FloatVector d1 = broadcast(FLOATS, Lanes.loadFloat(d + UnpackedRows.SCALES_STRIDE));
        FloatVector d2 = broadcast(FLOATS, Lanes.loadFloat(d + 2 * UnpackedRows.SCALES_STRIDE));
        FloatVector d3 = broadcast(FLOATS, Lanes.loadFloat(d + 3 * UnpackedRows.SCALES_STRIDE));
        FloatVector m0 = broadcast(FLOATS, Lanes.loadFloat(m));
        FloatVector m1 = broadcast(FLOATS, Lanes.loadFloat(m + UnpackedRows.SCALES_STRIDE));
        FloatVector m2 = broadcast(FLOATS, Lanes.loadFloat(m + 2 * UnpackedRows.SCALES_STRIDE));
        FloatVector m3 = broadcast(FLOATS, Lanes.loadFloat(m + 3 * UnpackedRows.SCALES_STRIDE));
        for (int c = 0; c < 16; c += COUNT) {
          long at = in + 128L * i + 4L * (half + c);
          FloatVector v = fromMemorySegment(FLOATS, MEMORY, at, ORDER);
          s0 = Lanes.loadBytes(q0 + c).fma(d0, m0).fma(v, s0);
          s1 = Lanes.loadBytes(q1 + c).fma(d1, m1).fma(v, s1);
          s2 = Lanes.loadBytes(q2 + c).fma(d2, m2).fma(v, s2);
          s3 = Lanes.loadBytes(q3 + c).fma(d3, m3).fma(v, s3);
        }
      }
    }
    s0.intoMemorySegment(MEMORY, sums, ORDER);
    s1.intoMemorySegment(MEMORY, sums + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, sums + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, sums + 3 * LaneSums.STRIDE, ORDER);
  }
}
