package dev.mamba4j.kernels;

import dev.mamba4j.formats.tensor.TensorType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products of weight rows with float vectors, added to what is there. Four rows at a time share the
 * loads of the vector and hide each other's latencies.
 *
 * <p>One method for each type rather than one with a strategy: vectors must not cross a call that
 * is not inlined.
 */
final class VectorProducts {
  private static final int ROWS = 4;

  private VectorProducts() {}

  static boolean supports(TensorType type) {
    return switch (type) {
      case F32, F16, BF16, Q8_0 -> true;
      default -> false;
    };
  }

  /** y[t][r] += Σ_c weights[r][c] * x[t][c]. */
  static void add(Matrix weights, int fromRow, int toRow, Vectors x, int tokens, Vectors y) {
    int row = fromRow;
    for (; row + ROWS <= toRow; row += ROWS) {
      for (int t = 0; t < tokens; t++) {
        addRows(weights, row, 1, x.rowAddress(t), y.rowAddress(t));
      }
    }
    for (; row < toRow; row++) {
      for (int t = 0; t < tokens; t++) {
        addRows(weights, row, 0, x.rowAddress(t), y.rowAddress(t));
      }
    }
  }

  /**
   * Four neighbouring rows, or one row four times over where no four are left.
   *
   * @param step 1 for four rows, 0 for one
   */
  private static void addRows(Matrix weights, int row, int step, long x, long y) {
    long stride = step * weights.rowBytes();
    long w0 = weights.rowAddress(row);
    long w1 = w0 + stride;
    long w2 = w1 + stride;
    long w3 = w2 + stride;
    long out = y + 4L * row;
    switch (weights.type()) {
      case F32 -> addF32(weights.columns(), w0, w1, w2, w3, x, out, step);
      case F16 -> addF16(weights.columns(), w0, w1, w2, w3, x, out, step);
      case BF16 -> addBF16(weights.columns(), w0, w1, w2, w3, x, out, step);
      case Q8_0 -> addQ8_0(weights.columns(), w0, w1, w2, w3, x, out, step);
      default -> throw new IllegalArgumentException("no vector product for " + weights.type());
    }
  }

  private static void addF32(
      int columns, long w0, long w1, long w2, long w3, long x, long out, int step) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i + Lanes.COUNT <= columns; i += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + 4L * i);
      s0 = Lanes.load(w0 + 4L * i).fma(v, s0);
      s1 = Lanes.load(w1 + 4L * i).fma(v, s1);
      s2 = Lanes.load(w2 + 4L * i).fma(v, s2);
      s3 = Lanes.load(w3 + 4L * i).fma(v, s3);
    }
    float t0 = 0;
    float t1 = 0;
    float t2 = 0;
    float t3 = 0;
    for (; i < columns; i++) {
      float v = Lanes.loadFloat(x + 4L * i);
      t0 += Lanes.loadFloat(w0 + 4L * i) * v;
      t1 += Lanes.loadFloat(w1 + 4L * i) * v;
      t2 += Lanes.loadFloat(w2 + 4L * i) * v;
      t3 += Lanes.loadFloat(w3 + 4L * i) * v;
    }
    store(out, step, sum(s0) + t0, sum(s1) + t1, sum(s2) + t2, sum(s3) + t3);
  }

  private static void addF16(
      int columns, long w0, long w1, long w2, long w3, long x, long out, int step) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i + Lanes.COUNT <= columns; i += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + 4L * i);
      s0 = Lanes.loadHalves(w0 + 2L * i).fma(v, s0);
      s1 = Lanes.loadHalves(w1 + 2L * i).fma(v, s1);
      s2 = Lanes.loadHalves(w2 + 2L * i).fma(v, s2);
      s3 = Lanes.loadHalves(w3 + 2L * i).fma(v, s3);
    }
    float t0 = 0;
    float t1 = 0;
    float t2 = 0;
    float t3 = 0;
    for (; i < columns; i++) {
      float v = Lanes.loadFloat(x + 4L * i);
      t0 += Lanes.loadHalf(w0 + 2L * i) * v;
      t1 += Lanes.loadHalf(w1 + 2L * i) * v;
      t2 += Lanes.loadHalf(w2 + 2L * i) * v;
      t3 += Lanes.loadHalf(w3 + 2L * i) * v;
    }
    store(out, step, sum(s0) + t0, sum(s1) + t1, sum(s2) + t2, sum(s3) + t3);
  }

  private static void addBF16(
      int columns, long w0, long w1, long w2, long w3, long x, long out, int step) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i + Lanes.COUNT <= columns; i += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + 4L * i);
      s0 = Lanes.loadBrainHalves(w0 + 2L * i).fma(v, s0);
      s1 = Lanes.loadBrainHalves(w1 + 2L * i).fma(v, s1);
      s2 = Lanes.loadBrainHalves(w2 + 2L * i).fma(v, s2);
      s3 = Lanes.loadBrainHalves(w3 + 2L * i).fma(v, s3);
    }
    float t0 = 0;
    float t1 = 0;
    float t2 = 0;
    float t3 = 0;
    for (; i < columns; i++) {
      float v = Lanes.loadFloat(x + 4L * i);
      t0 += Lanes.loadBrainHalf(w0 + 2L * i) * v;
      t1 += Lanes.loadBrainHalf(w1 + 2L * i) * v;
      t2 += Lanes.loadBrainHalf(w2 + 2L * i) * v;
      t3 += Lanes.loadBrainHalf(w3 + 2L * i) * v;
    }
    store(out, step, sum(s0) + t0, sum(s1) + t1, sum(s2) + t2, sum(s3) + t3);
  }

  private static void addQ8_0(
      int columns, long w0, long w1, long w2, long w3, long x, long out, int step) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int block = 0; block < columns / 32; block++) {
      long at = 34L * block;
      FloatVector p0 = FloatVector.zero(Lanes.FLOATS);
      FloatVector p1 = p0;
      FloatVector p2 = p0;
      FloatVector p3 = p0;
      for (int i = 0; i < 32; i += Lanes.COUNT) {
        FloatVector v = Lanes.load(x + 128L * block + 4L * i);
        p0 = Lanes.loadBytes(w0 + at + 2 + i).fma(v, p0);
        p1 = Lanes.loadBytes(w1 + at + 2 + i).fma(v, p1);
        p2 = Lanes.loadBytes(w2 + at + 2 + i).fma(v, p2);
        p3 = Lanes.loadBytes(w3 + at + 2 + i).fma(v, p3);
      }
      s0 = p0.fma(FloatVector.broadcast(Lanes.FLOATS, Lanes.loadHalf(w0 + at)), s0);
      s1 = p1.fma(FloatVector.broadcast(Lanes.FLOATS, Lanes.loadHalf(w1 + at)), s1);
      s2 = p2.fma(FloatVector.broadcast(Lanes.FLOATS, Lanes.loadHalf(w2 + at)), s2);
      s3 = p3.fma(FloatVector.broadcast(Lanes.FLOATS, Lanes.loadHalf(w3 + at)), s3);
    }
    store(out, step, sum(s0), sum(s1), sum(s2), sum(s3));
  }

  private static float sum(FloatVector vector) {
    return vector.reduceLanes(VectorOperators.ADD);
  }

  private static void store(long out, int step, float r0, float r1, float r2, float r3) {
    Lanes.storeFloat(out, Lanes.loadFloat(out) + r0);
    if (step != 0) {
      Lanes.storeFloat(out + 4, Lanes.loadFloat(out + 4) + r1);
      Lanes.storeFloat(out + 8, Lanes.loadFloat(out + 8) + r2);
      Lanes.storeFloat(out + 12, Lanes.loadFloat(out + 12) + r3);
    }
  }
}
