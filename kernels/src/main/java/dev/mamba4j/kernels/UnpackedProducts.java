package dev.mamba4j.kernels;

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
    for (int from = 0; from < weights.columns(); from += UnpackedRows.COLUMNS) {
      int columns = Math.min(UnpackedRows.COLUMNS, weights.columns() - from);
      for (int r = 0; r < rows; r++) {
        unpacked.unpack(type, weights.rowAddress(row + r) + type.byteSize(from), columns, r);
      }
      for (int t = 0; t < tokens; t++) {
        long out = y.rowAddress(t) + 4L * row;
        addUnpacked(columns, group, unpacked, step, x.rowAddress(t) + 4L * from, out);
        if (sums != NO_SUMS) {
          long first = (long) t * (weights.columns() / group) + from / group;
          addMinimums(columns / group, unpacked.minimums(), step, sums + 4 * first, out);
        }
      }
    }
  }

  private static void addUnpacked(
      int columns, int group, UnpackedRows unpacked, int step, long x, long out) {
    if (group == 16) {
      addGroupsOf16(columns / 16, unpacked.quants(), unpacked.scales(), step, x, out);
    } else {
      addGroupsOf32(columns / 32, unpacked.quants(), unpacked.scales(), step, x, out);
    }
  }

  /**
   * Four unpacked rows, or the first one four times over.
   *
   * @param step 1 for four rows, 0 for one
   */
  private static void addGroupsOf16(
      int groups, long quants, long scales, int step, long x, long out) {
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
    for (int g = 0; g < groups; g++) {
      FloatVector p0 = FloatVector.zero(FLOATS);
      FloatVector p1 = p0;
      FloatVector p2 = p0;
      FloatVector p3 = p0;
      for (int i = 0; i < 16; i += Lanes.COUNT) {
        long at = 16L * g + i;
        FloatVector v = fromMemorySegment(FLOATS, MEMORY, x + 4 * at, ORDER);
        p0 = Lanes.loadBytes(quants + at).fma(v, p0);
        p1 = Lanes.loadBytes(q1 + at).fma(v, p1);
        p2 = Lanes.loadBytes(q2 + at).fma(v, p2);
        p3 = Lanes.loadBytes(q3 + at).fma(v, p3);
      }
      s0 = p0.fma(broadcast(FLOATS, Lanes.loadFloat(scales + 4L * g)), s0);
      s1 = p1.fma(broadcast(FLOATS, Lanes.loadFloat(d1 + 4L * g)), s1);
      s2 = p2.fma(broadcast(FLOATS, Lanes.loadFloat(d2 + 4L * g)), s2);
      s3 = p3.fma(broadcast(FLOATS, Lanes.loadFloat(d3 + 4L * g)), s3);
    }
    VectorProducts.store(
        out,
        step,
        s0.reduceLanes(ADD),
        s1.reduceLanes(ADD),
        s2.reduceLanes(ADD),
        s3.reduceLanes(ADD));
  }

  /** As {@link #addGroupsOf16}; the size is a constant for the sake of the compiled inner loop. */
  private static void addGroupsOf32(
      int groups, long quants, long scales, int step, long x, long out) {
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
    for (int g = 0; g < groups; g++) {
      FloatVector p0 = FloatVector.zero(FLOATS);
      FloatVector p1 = p0;
      FloatVector p2 = p0;
      FloatVector p3 = p0;
      for (int i = 0; i < 32; i += Lanes.COUNT) {
        long at = 32L * g + i;
        FloatVector v = fromMemorySegment(FLOATS, MEMORY, x + 4 * at, ORDER);
        p0 = Lanes.loadBytes(quants + at).fma(v, p0);
        p1 = Lanes.loadBytes(q1 + at).fma(v, p1);
        p2 = Lanes.loadBytes(q2 + at).fma(v, p2);
        p3 = Lanes.loadBytes(q3 + at).fma(v, p3);
      }
      s0 = p0.fma(broadcast(FLOATS, Lanes.loadFloat(scales + 4L * g)), s0);
      s1 = p1.fma(broadcast(FLOATS, Lanes.loadFloat(d1 + 4L * g)), s1);
      s2 = p2.fma(broadcast(FLOATS, Lanes.loadFloat(d2 + 4L * g)), s2);
      s3 = p3.fma(broadcast(FLOATS, Lanes.loadFloat(d3 + 4L * g)), s3);
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
