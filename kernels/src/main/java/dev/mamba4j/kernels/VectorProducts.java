package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static dev.mamba4j.kernels.Lanes.SHORT;
import static java.lang.Float.float16ToFloat;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.mamba4j.formats.tensor.TensorType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Products of weight rows with float vectors, added to what is there. Four rows at a time share the
 * loads of the vector and hide each other's latencies.
 *
 * <p>One method for each type rather than one with a strategy: vectors must not cross a call that
 * is not inlined. Each has more than 325 bytecodes (C2's FreqInlineSize), so that it is compiled by
 * itself; inlined into its callers together with others, its own calls would not be inlined. For
 * the same reason the sums at the end are taken by a method of the Vector API.
 */
final class VectorProducts {
  private static final int ROWS = 4;

  private VectorProducts() {}

  static boolean supports(TensorType type) {
    return isDirect(type) || UnpackedRows.supports(type);
  }

  /** Whether rows are multiplied as they lie. */
  static boolean isDirect(TensorType type) {
    return switch (type) {
      case F32, F16, BF16, Q8_0, Q4_0 -> true;
      default -> false;
    };
  }

  /** y[t][r] += Σ_c weights[r][c] * x[t][c]. */
  static void add(Matrix weights, int fromRow, int toRow, Vectors x, int tokens, Vectors y) {
    if (!isDirect(weights.type())) {
      UnpackedProducts.add(weights, fromRow, toRow, x, tokens, y);
      return;
    }
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
    switch (weights.type()) {
      case F32 -> addF32(weights, row, step, x, y);
      case F16 -> addF16(weights, row, step, x, y);
      case BF16 -> addBF16(weights, row, step, x, y);
      case Q8_0 -> addQ8_0(weights, row, step, x, y);
      case Q4_0 -> addQ4_0(weights, row, step, x, y);
      default -> throw new IllegalArgumentException("no vector product for " + weights.type());
    }
  }

  private static void addF32(Matrix weights, int row, int step, long x, long y) {
    int columns = weights.columns();
    long stride = step * weights.rowBytes();
    long w0 = weights.rowAddress(row);
    long w1 = w0 + stride;
    long w2 = w1 + stride;
    long w3 = w2 + stride;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i + Lanes.COUNT <= columns; i += Lanes.COUNT) {
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, x + 4L * i, ORDER);
      s0 = fromMemorySegment(FLOATS, MEMORY, w0 + 4L * i, ORDER).fma(v, s0);
      s1 = fromMemorySegment(FLOATS, MEMORY, w1 + 4L * i, ORDER).fma(v, s1);
      s2 = fromMemorySegment(FLOATS, MEMORY, w2 + 4L * i, ORDER).fma(v, s2);
      s3 = fromMemorySegment(FLOATS, MEMORY, w3 + 4L * i, ORDER).fma(v, s3);
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
    store(
        y + 4L * row,
        step,
        s0.reduceLanes(ADD) + t0,
        s1.reduceLanes(ADD) + t1,
        s2.reduceLanes(ADD) + t2,
        s3.reduceLanes(ADD) + t3);
  }

  private static void addF16(Matrix weights, int row, int step, long x, long y) {
    int columns = weights.columns();
    long stride = step * weights.rowBytes();
    long w0 = weights.rowAddress(row);
    long w1 = w0 + stride;
    long w2 = w1 + stride;
    long w3 = w2 + stride;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i + Lanes.COUNT <= columns; i += Lanes.COUNT) {
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, x + 4L * i, ORDER);
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
    store(
        y + 4L * row,
        step,
        s0.reduceLanes(ADD) + t0,
        s1.reduceLanes(ADD) + t1,
        s2.reduceLanes(ADD) + t2,
        s3.reduceLanes(ADD) + t3);
  }

  private static void addBF16(Matrix weights, int row, int step, long x, long y) {
    int columns = weights.columns();
    long stride = step * weights.rowBytes();
    long w0 = weights.rowAddress(row);
    long w1 = w0 + stride;
    long w2 = w1 + stride;
    long w3 = w2 + stride;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i + Lanes.COUNT <= columns; i += Lanes.COUNT) {
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, x + 4L * i, ORDER);
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
    store(
        y + 4L * row,
        step,
        s0.reduceLanes(ADD) + t0,
        s1.reduceLanes(ADD) + t1,
        s2.reduceLanes(ADD) + t2,
        s3.reduceLanes(ADD) + t3);
  }

  private static void addQ8_0(Matrix weights, int row, int step, long x, long y) {
    int columns = weights.columns();
    long stride = step * weights.rowBytes();
    long w0 = weights.rowAddress(row);
    long w1 = w0 + stride;
    long w2 = w1 + stride;
    long w3 = w2 + stride;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int block = 0; block < columns / 32; block++) {
      long at = 34L * block;
      FloatVector p0 = FloatVector.zero(FLOATS);
      FloatVector p1 = p0;
      FloatVector p2 = p0;
      FloatVector p3 = p0;
      for (int i = 0; i < 32; i += Lanes.COUNT) {
        FloatVector v = fromMemorySegment(FLOATS, MEMORY, x + 128L * block + 4L * i, ORDER);
        p0 = Lanes.loadBytes(w0 + at + 2 + i).fma(v, p0);
        p1 = Lanes.loadBytes(w1 + at + 2 + i).fma(v, p1);
        p2 = Lanes.loadBytes(w2 + at + 2 + i).fma(v, p2);
        p3 = Lanes.loadBytes(w3 + at + 2 + i).fma(v, p3);
      }
      s0 = p0.fma(FloatVector.broadcast(FLOATS, Lanes.loadHalf(w0 + at)), s0);
      s1 = p1.fma(FloatVector.broadcast(FLOATS, Lanes.loadHalf(w1 + at)), s1);
      s2 = p2.fma(FloatVector.broadcast(FLOATS, Lanes.loadHalf(w2 + at)), s2);
      s3 = p3.fma(FloatVector.broadcast(FLOATS, Lanes.loadHalf(w3 + at)), s3);
    }
    store(
        y + 4L * row,
        step,
        s0.reduceLanes(ADD),
        s1.reduceLanes(ADD),
        s2.reduceLanes(ADD),
        s3.reduceLanes(ADD));
  }

  private static void addQ4_0(Matrix weights, int row, int step, long x, long y) {
    int columns = weights.columns();
    long stride = step * weights.rowBytes();
    long w0 = weights.rowAddress(row);
    long w1 = w0 + stride;
    long w2 = w1 + stride;
    long w3 = w2 + stride;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    // One loop over vectors of bytes: C2 would not unroll a short one over those of a block.
    for (int i = 0; i < columns / 2; i += Lanes.COUNT) {
      long block = 18L * (i / 16);
      long at = block + 2 + i % 16;
      long low = x + 128L * (i / 16) + 4L * (i % 16);
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, low, ORDER);
      FloatVector u = fromMemorySegment(FLOATS, MEMORY, low + 64, ORDER);
      FloatVector minus8 = v.add(u).mul(-8);
      IntVector q0 = Lanes.loadUnsignedBytes(w0 + at);
      IntVector q1 = Lanes.loadUnsignedBytes(w1 + at);
      IntVector q2 = Lanes.loadUnsignedBytes(w2 + at);
      IntVector q3 = Lanes.loadUnsignedBytes(w3 + at);
      FloatVector p0 = ((FloatVector) q0.and(15).convertShape(I2F, FLOATS, 0)).fma(v, minus8);
      FloatVector p1 = ((FloatVector) q1.and(15).convertShape(I2F, FLOATS, 0)).fma(v, minus8);
      FloatVector p2 = ((FloatVector) q2.and(15).convertShape(I2F, FLOATS, 0)).fma(v, minus8);
      FloatVector p3 = ((FloatVector) q3.and(15).convertShape(I2F, FLOATS, 0)).fma(v, minus8);
      p0 = ((FloatVector) q0.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0)).fma(u, p0);
      p1 = ((FloatVector) q1.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0)).fma(u, p1);
      p2 = ((FloatVector) q2.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0)).fma(u, p2);
      p3 = ((FloatVector) q3.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0)).fma(u, p3);
      s0 = p0.fma(FloatVector.broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w0 + block))), s0);
      s1 = p1.fma(FloatVector.broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w1 + block))), s1);
      s2 = p2.fma(FloatVector.broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w2 + block))), s2);
      s3 = p3.fma(FloatVector.broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w3 + block))), s3);
    }
    store(
        y + 4L * row,
        step,
        s0.reduceLanes(ADD),
        s1.reduceLanes(ADD),
        s2.reduceLanes(ADD),
        s3.reduceLanes(ADD));
  }

  static void store(long out, int step, float r0, float r1, float r2, float r3) {
    Lanes.storeFloat(out, Lanes.loadFloat(out) + r0);
    if (step != 0) {
      Lanes.storeFloat(out + 4, Lanes.loadFloat(out + 4) + r1);
      Lanes.storeFloat(out + 8, Lanes.loadFloat(out + 8) + r2);
      Lanes.storeFloat(out + 12, Lanes.loadFloat(out + 12) + r3);
    }
  }
}
