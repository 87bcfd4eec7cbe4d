package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.FLOAT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.ADD;

import dev.mamba4j.formats.tensor.TensorType;
import jdk.incubator.vector.FloatVector;

/**
 * Products of quantized rows that are unpacked first, see {@link UnpackedRows}: four rows and some
 * columns at a time, for all tokens. Scales are taken out of the inner sums, and minimums are
 * multiplied by sums of the inputs:
 *
 * <pre>
 * y += Σ_group (scale * Σ quant * x + minimum * Σ x)
 * </pre>
 */
final class UnpackedProducts {
  private static final int ROWS = UnpackedRows.ROWS;

  /** For types without minimums. */
  private static final long NO_SUMS = 0;

  private UnpackedProducts() {}

  /** y[t][r] += Σ_c weights[r][c] * x[t][c]. */
  static void add(Matrix weights, int fromRow, int toRow, Vectors x, int tokens, Vectors y) {
    UnpackedRows unpacked = UnpackedRows.ofThread();
    long sums =
        UnpackedRows.hasMinimums(weights.type()) ? sums(weights, x, tokens, unpacked) : NO_SUMS;
    int row = fromRow;
    for (; row + ROWS <= toRow; row += ROWS) {
      addRows(weights, row, ROWS, x, tokens, sums, y, unpacked);
    }
    for (; row < toRow; row++) {
      addRows(weights, row, 1, x, tokens, sums, y, unpacked);
    }
  }

  /** Sums of groups of the inputs, float32 (tokens, groups). */
  private static long sums(Matrix weights, Vectors x, int tokens, UnpackedRows unpacked) {
    int group = UnpackedRows.group(weights.type());
    int groups = weights.columns() / group;
    long target = unpacked.sums((long) tokens * groups);
    for (int t = 0; t < tokens; t++) {
      addUp(groups, group, x.rowAddress(t), target + 4L * t * groups);
    }
    return target;
  }

  private static void addUp(int groups, int group, long x, long target) {
    for (int g = 0; g < groups; g++) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int i = g * group; i < (g + 1) * group; i += Lanes.COUNT) {
        sum = sum.add(fromMemorySegment(FLOATS, MEMORY, x + 4L * i, ORDER));
      }
      Lanes.storeFloat(target + 4L * g, sum.reduceLanes(ADD));
    }
  }

  /** Neighbouring rows, ROWS or one. */
  private static void addRows(
      Matrix weights,
      int row,
      int rows,
      Vectors x,
      int tokens,
      long sums,
      Vectors y,
      UnpackedRows unpacked) {
    TensorType type = weights.type();
    int group = UnpackedRows.group(type);
    int step = rows == ROWS ? 1 : 0;
    NibbleProducts nibbles = NibbleProducts.supports(type) ? NibbleProducts.of(type) : null;
    for (int from = 0; from < weights.columns(); from += UnpackedRows.COLUMNS) {
      int columns = Math.min(UnpackedRows.COLUMNS, weights.columns() - from);
      long first = weights.rowAddress(row) + type.byteSize(from);
      for (int r = 0; r < rows; r++) {
        unpacked.unpack(type, first + r * weights.rowBytes(), columns, r);
      }
      for (int t = 0; t < tokens; t++) {
        long inputs = x.rowAddress(t) + 4L * from;
        long out = y.rowAddress(t) + 4L * row;
        if (nibbles != null) {
          nibbles.add(columns, first, step * weights.rowBytes(), unpacked.scales(), inputs, out);
        } else {
          addQuants(columns, group, unpacked.quants(), unpacked.scales(), step, inputs, out);
        }
        if (sums != NO_SUMS) {
          long sum = sums + 4 * ((long) t * (weights.columns() / group) + from / group);
          addMinimums(columns / group, unpacked.minimums(), step, sum, out);
        }
      }
    }
  }

  /**
   * Four unpacked rows, or the first one four times over. One loop over all columns, as a short one
   * in another costs more than a scale for each vector.
   *
   * @param step 1 for four rows, 0 for one
   */
  private static void addQuants(
      int columns, int group, long quants, long scales, int step, long x, long out) {
    int shift = Integer.numberOfTrailingZeros(group);
    long q1 = quants + (long) step * UnpackedRows.COLUMNS;
    long q2 = q1 + (long) step * UnpackedRows.COLUMNS;
    long q3 = q2 + (long) step * UnpackedRows.COLUMNS;
    long d1 = scales + (long) step * UnpackedRows.SCALES_STRIDE;
    long d2 = d1 + (long) step * UnpackedRows.SCALES_STRIDE;
    long d3 = d2 + (long) step * UnpackedRows.SCALES_STRIDE;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int i = 0; i < columns; i += Lanes.COUNT) {
      long scale = 4L * (i >> shift);
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, x + 4L * i, ORDER);
      FloatVector p0 = Lanes.loadBytes(quants + i).mul(v);
      FloatVector p1 = Lanes.loadBytes(q1 + i).mul(v);
      FloatVector p2 = Lanes.loadBytes(q2 + i).mul(v);
      FloatVector p3 = Lanes.loadBytes(q3 + i).mul(v);
      s0 = p0.fma(broadcast(FLOATS, MEMORY.get(FLOAT, scales + scale)), s0);
      s1 = p1.fma(broadcast(FLOATS, MEMORY.get(FLOAT, d1 + scale)), s1);
      s2 = p2.fma(broadcast(FLOATS, MEMORY.get(FLOAT, d2 + scale)), s2);
      s3 = p3.fma(broadcast(FLOATS, MEMORY.get(FLOAT, d3 + scale)), s3);
    }
    VectorProducts.store(
        out,
        step,
        s0.reduceLanes(ADD),
        s1.reduceLanes(ADD),
        s2.reduceLanes(ADD),
        s3.reduceLanes(ADD));
  }

  private static void addMinimums(int groups, long minimums, int step, long sums, long out) {
    long m1 = minimums + (long) step * UnpackedRows.SCALES_STRIDE;
    long m2 = m1 + (long) step * UnpackedRows.SCALES_STRIDE;
    long m3 = m2 + (long) step * UnpackedRows.SCALES_STRIDE;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i + Lanes.COUNT <= groups; i += Lanes.COUNT) {
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, sums + 4L * i, ORDER);
      s0 = fromMemorySegment(FLOATS, MEMORY, minimums + 4L * i, ORDER).fma(v, s0);
      s1 = fromMemorySegment(FLOATS, MEMORY, m1 + 4L * i, ORDER).fma(v, s1);
      s2 = fromMemorySegment(FLOATS, MEMORY, m2 + 4L * i, ORDER).fma(v, s2);
      s3 = fromMemorySegment(FLOATS, MEMORY, m3 + 4L * i, ORDER).fma(v, s3);
    }
    float t0 = 0;
    float t1 = 0;
    float t2 = 0;
    float t3 = 0;
    for (; i < groups; i++) {
      float v = Lanes.loadFloat(sums + 4L * i);
      t0 += Lanes.loadFloat(minimums + 4L * i) * v;
      t1 += Lanes.loadFloat(m1 + 4L * i) * v;
      t2 += Lanes.loadFloat(m2 + 4L * i) * v;
      t3 += Lanes.loadFloat(m3 + 4L * i) * v;
    }
    VectorProducts.store(
        out,
        step,
        s0.reduceLanes(ADD) + t0,
        s1.reduceLanes(ADD) + t1,
        s2.reduceLanes(ADD) + t2,
        s3.reduceLanes(ADD) + t3);
  }
}
