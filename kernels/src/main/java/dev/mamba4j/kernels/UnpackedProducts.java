package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOAT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.mamba4j.formats.tensor.TensorType;
import jdk.incubator.vector.FloatVector;

/**
 * Products of quantized rows that are unpacked first, see {@link UnpackedRows}: some columns of a
 * row at a time, or of four where nibbles are multiplied, for all tokens. Scales are taken out of
 * the inner sums, and minimums are multiplied by sums of the inputs:
 *
 * <pre>
 * y += Σ_group (scale * Σ quant * x + minimum * Σ x)
 * </pre>
 */
final class UnpackedProducts {
  private static final int ROWS = UnpackedRows.ROWS;

  /** Of a vector of floats. */
  private static final long BYTES = 4L * COUNT;

  /** For types without minimums. */
  private static final long NO_SUMS = 0;

  private UnpackedProducts() {}

  /** y[t][r] += Σ_c weights[r][c] * x[t][c]. */
  static void add(Matrix weights, int fromRow, int toRow, Vectors x, int tokens, Vectors y) {
    UnpackedRows unpacked = UnpackedRows.ofThread();
    long sums =
        UnpackedRows.hasMinimums(weights.type()) ? sums(weights, x, tokens, unpacked) : NO_SUMS;
    int row = fromRow;
    for (; NibbleProducts.supports(weights.type()) && row + ROWS <= toRow; row += ROWS) {
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
    long lanes = LaneSums.ofThread();
    for (int t = 0; t < tokens; t++) {
      addUp(groups, group, x.rowAddress(t), lanes, target + 4L * t * groups);
    }
    return target;
  }

  private static void addUp(int groups, int group, long x, long lanes, long target) {
    for (int g = 0; g < groups; g++) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int i = g * group; i < (g + 1) * group; i += COUNT) {
        sum = sum.add(fromMemorySegment(FLOATS, MEMORY, x + 4L * i, ORDER));
      }
      sum.intoMemorySegment(MEMORY, lanes, ORDER);
      Lanes.storeFloat(target + 4L * g, LaneSums.of(lanes));
    }
  }

  /** One row, or ROWS of nibbles. */
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
    long lanes = LaneSums.ofThread();
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
          nibbles.add(
              columns, first, step * weights.rowBytes(), unpacked.scales(), inputs, lanes, out);
        } else {
          addQuants(columns / 32, group, unpacked.quants(), unpacked.scales(), inputs, lanes, out);
        }
        if (sums != NO_SUMS) {
          long sum = sums + 4 * ((long) t * (weights.columns() / group) + from / group);
          addMinimums(columns / group, unpacked.minimums(), step, sum, lanes, out);
        }
      }
    }
  }

  /**
   * An unpacked row, 32 columns at a time. As in {@link VectorProducts} the method is too large to
   * be inlined.
   *
   * @param group 32, or 16 where each half of the 32 has a scale of its own
   */
  private static void addQuants(
      int count, int group, long quants, long scales, long x, long lanes, long out) {
    int shift = group == 32 ? 2 : 3;
    long second = group == 32 ? 0 : 4;
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < count; i++) {
      long q = quants + 32L * i;
      long v = x + 128L * i;
      long u = v + 64;
      FloatVector p = Lanes.loadBytes(q).mul(fromMemorySegment(FLOATS, MEMORY, v, ORDER));
      FloatVector r = Lanes.loadBytes(q + 16).mul(fromMemorySegment(FLOATS, MEMORY, u, ORDER));
      if (COUNT < 16) {
        q += COUNT;
        v += BYTES;
        u += BYTES;
        p = Lanes.loadBytes(q).fma(fromMemorySegment(FLOATS, MEMORY, v, ORDER), p);
        r = Lanes.loadBytes(q + 16).fma(fromMemorySegment(FLOATS, MEMORY, u, ORDER), r);
      }
      if (COUNT < 8) {
        q += COUNT;
        v += BYTES;
        u += BYTES;
        p = Lanes.loadBytes(q).fma(fromMemorySegment(FLOATS, MEMORY, v, ORDER), p);
        r = Lanes.loadBytes(q + 16).fma(fromMemorySegment(FLOATS, MEMORY, u, ORDER), r);
        q += COUNT;
        v += BYTES;
        u += BYTES;
        p = Lanes.loadBytes(q).fma(fromMemorySegment(FLOATS, MEMORY, v, ORDER), p);
        r = Lanes.loadBytes(q + 16).fma(fromMemorySegment(FLOATS, MEMORY, u, ORDER), r);
      }
      long scale = scales + ((long) i << shift);
      sum = p.fma(broadcast(FLOATS, MEMORY.get(FLOAT, scale)), sum);
      sum = r.fma(broadcast(FLOATS, MEMORY.get(FLOAT, scale + second)), sum);
    }
    sum.intoMemorySegment(MEMORY, lanes, ORDER);
    Lanes.storeFloat(out, Lanes.loadFloat(out) + LaneSums.of(lanes));
  }

  private static void addMinimums(
      int groups, long minimums, int step, long sums, long lanes, long out) {
    long m1 = minimums + (long) step * UnpackedRows.SCALES_STRIDE;
    long m2 = m1 + (long) step * UnpackedRows.SCALES_STRIDE;
    long m3 = m2 + (long) step * UnpackedRows.SCALES_STRIDE;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i + COUNT <= groups; i += COUNT) {
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
    s0.intoMemorySegment(MEMORY, lanes, ORDER);
    s1.intoMemorySegment(MEMORY, lanes + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, lanes + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, lanes + 3 * LaneSums.STRIDE, ORDER);
    VectorProducts.store(out, step, lanes, t0, t1, t2, t3);
  }
}
