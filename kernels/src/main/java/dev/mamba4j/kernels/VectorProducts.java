package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static dev.mamba4j.kernels.Lanes.SHORT;
import static java.lang.Float.float16ToFloat;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.mamba4j.formats.tensor.TensorType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Products of weight rows with float vectors, added to what is there. Of floats four rows at a time
 * share the loads of the vector and hide each other's latencies; of quantized rows one after the
 * other is read, in the order of memory, and what a block of one row takes is written out: the
 * compiler drops checks and folds addresses where they are a block's number times a constant.
 *
 * <p>C2 stops inlining in a method where it has made 18000 nodes, of which a load takes hundreds: a
 * loop may hold about eight loads of weights. Past that vectors go through the heap.
 *
 * <p>One method for each type rather than one with a strategy: vectors must not cross a call that
 * is not inlined. Each has more than 325 bytecodes (C2's FreqInlineSize), so that it is compiled by
 * itself; inlined into its callers together with others, its own calls would not be inlined. For
 * the same reason lanes are added up from memory, see {@link LaneSums}.
 */
final class VectorProducts {
  private static final int ROWS = 4;

  private static final int NIBBLE = 15;

  /** What Q4_0 stores for 0. */
  private static final int ZERO = 8;

  /** Of a vector of floats. */
  private static final long BYTES = 4L * COUNT;

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
    long lanes = LaneSums.ofThread();
    int row = fromRow;
    for (; row + ROWS <= toRow; row += ROWS) {
      for (int t = 0; t < tokens; t++) {
        addRows(weights, row, 1, x.rowAddress(t), lanes, y.rowAddress(t));
      }
    }
    for (; row < toRow; row++) {
      for (int t = 0; t < tokens; t++) {
        addRows(weights, row, 0, x.rowAddress(t), lanes, y.rowAddress(t));
      }
    }
  }

  /**
   * Four neighbouring rows, or one row four times over where no four are left.
   *
   * @param step 1 for four rows, 0 for one
   */
  private static void addRows(Matrix weights, int row, int step, long x, long lanes, long y) {
    switch (weights.type()) {
      case F32 -> addF32(weights, row, step, x, lanes, y);
      case F16 -> addF16(weights, row, step, x, lanes, y);
      case BF16 -> addBF16(weights, row, step, x, lanes, y);
      case Q4_0 -> addRowsQ4_0(weights, row, step == 0 ? 1 : ROWS, x, lanes, y);
      case Q8_0 -> addRowsQ8_0(weights, row, step == 0 ? 1 : ROWS, x, lanes, y);
      default -> throw new IllegalArgumentException("no vector product for " + weights.type());
    }
  }

  private static void addF32(Matrix weights, int row, int step, long x, long lanes, long y) {
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
    for (; i + COUNT <= columns; i += COUNT) {
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
    s0.intoMemorySegment(MEMORY, lanes, ORDER);
    s1.intoMemorySegment(MEMORY, lanes + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, lanes + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, lanes + 3 * LaneSums.STRIDE, ORDER);
    store(y + 4L * row, step, lanes, t0, t1, t2, t3);
  }

  private static void addF16(Matrix weights, int row, int step, long x, long lanes, long y) {
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
    for (; i + COUNT <= columns; i += COUNT) {
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
    s0.intoMemorySegment(MEMORY, lanes, ORDER);
    s1.intoMemorySegment(MEMORY, lanes + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, lanes + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, lanes + 3 * LaneSums.STRIDE, ORDER);
    store(y + 4L * row, step, lanes, t0, t1, t2, t3);
  }

  private static void addBF16(Matrix weights, int row, int step, long x, long lanes, long y) {
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
    for (; i + COUNT <= columns; i += COUNT) {
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
    s0.intoMemorySegment(MEMORY, lanes, ORDER);
    s1.intoMemorySegment(MEMORY, lanes + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, lanes + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, lanes + 3 * LaneSums.STRIDE, ORDER);
    store(y + 4L * row, step, lanes, t0, t1, t2, t3);
  }

  /** One row after the other: memory is read in its order, and inputs are operands in memory. */
  private static void addRowsQ8_0(Matrix weights, int row, int rows, long x, long lanes, long y) {
    for (int r = row; r < row + rows; r++) {
      addQ8_0(weights.columns() / 32, weights.rowAddress(r), x, lanes, y + 4L * r);
    }
  }

  private static void addQ8_0(int blocks, long row, long x, long lanes, long out) {
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int block = 0; block < blocks; block++) {
      long q = row + 34L * block + 2;
      long v = x + 128L * block;
      FloatVector p = Lanes.loadBytes(q).mul(fromMemorySegment(FLOATS, MEMORY, v, ORDER));
      p = Lanes.loadBytes(q + COUNT).fma(fromMemorySegment(FLOATS, MEMORY, v + BYTES, ORDER), p);
      if (COUNT < 16) {
        v += 2 * BYTES;
        q += 2L * COUNT;
        p = Lanes.loadBytes(q).fma(fromMemorySegment(FLOATS, MEMORY, v, ORDER), p);
        p = Lanes.loadBytes(q + COUNT).fma(fromMemorySegment(FLOATS, MEMORY, v + BYTES, ORDER), p);
      }
      if (COUNT < 8) {
        v += 2 * BYTES;
        q += 2L * COUNT;
        p = Lanes.loadBytes(q).fma(fromMemorySegment(FLOATS, MEMORY, v, ORDER), p);
        p = Lanes.loadBytes(q + COUNT).fma(fromMemorySegment(FLOATS, MEMORY, v + BYTES, ORDER), p);
        v += 2 * BYTES;
        q += 2L * COUNT;
        p = Lanes.loadBytes(q).fma(fromMemorySegment(FLOATS, MEMORY, v, ORDER), p);
        p = Lanes.loadBytes(q + COUNT).fma(fromMemorySegment(FLOATS, MEMORY, v + BYTES, ORDER), p);
      }
      float scale = float16ToFloat(MEMORY.get(SHORT, row + 34L * block));
      sum = p.fma(broadcast(FLOATS, scale), sum);
    }
    sum.intoMemorySegment(MEMORY, lanes, ORDER);
    Lanes.storeFloat(out, Lanes.loadFloat(out) + LaneSums.of(lanes));
  }

  private static void addRowsQ4_0(Matrix weights, int row, int rows, long x, long lanes, long y) {
    for (int r = row; r < row + rows; r++) {
      addQ4_0(weights.columns() / 32, weights.rowAddress(r), x, lanes, y + 4L * r);
    }
  }

  /**
   * All bytes of quants of each block, or in vectors of 128 bits first half of them, then the rest,
   * since the compiler would not inline more.
   */
  private static void addQ4_0(int blocks, long row, long x, long lanes, long out) {
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int first = 0; first < 16; first += Math.min(16, 2 * COUNT)) {
      for (int block = 0; block < blocks; block++) {
        long w = row + 18L * block + 2 + first;
        long v = x + 128L * block + 4L * first;
        IntVector q = Lanes.loadUnsignedBytes(w);
        IntVector low = q.and(NIBBLE).sub(ZERO);
        IntVector high = q.lanewise(LSHR, 4).sub(ZERO);
        FloatVector p =
            ((FloatVector) low.convertShape(I2F, FLOATS, 0))
                .mul(fromMemorySegment(FLOATS, MEMORY, v, ORDER));
        FloatVector u =
            ((FloatVector) high.convertShape(I2F, FLOATS, 0))
                .mul(fromMemorySegment(FLOATS, MEMORY, v + 64, ORDER));
        if (COUNT < 16) {
          v += BYTES;
          q = Lanes.loadUnsignedBytes(w + COUNT);
          low = q.and(NIBBLE).sub(ZERO);
          high = q.lanewise(LSHR, 4).sub(ZERO);
          p =
              ((FloatVector) low.convertShape(I2F, FLOATS, 0))
                  .fma(fromMemorySegment(FLOATS, MEMORY, v, ORDER), p);
          u =
              ((FloatVector) high.convertShape(I2F, FLOATS, 0))
                  .fma(fromMemorySegment(FLOATS, MEMORY, v + 64, ORDER), u);
        }
        float scale = float16ToFloat(MEMORY.get(SHORT, row + 18L * block));
        sum = p.add(u).fma(broadcast(FLOATS, scale), sum);
      }
    }
    sum.intoMemorySegment(MEMORY, lanes, ORDER);
    Lanes.storeFloat(out, Lanes.loadFloat(out) + LaneSums.of(lanes));
  }

  /**
   * Adds the sums of four vectors, or the first, and what is behind whole vectors, to what is
   * there.
   */
  static void store(long out, int step, long lanes, float t0, float t1, float t2, float t3) {
    add(out, LaneSums.of(lanes) + t0);
    if (step != 0) {
      add(out + 4, LaneSums.of(lanes + LaneSums.STRIDE) + t1);
      add(out + 8, LaneSums.of(lanes + 2 * LaneSums.STRIDE) + t2);
      add(out + 12, LaneSums.of(lanes + 3 * LaneSums.STRIDE) + t3);
    }
  }

  private static void add(long out, float sum) {
    Lanes.storeFloat(out, Lanes.loadFloat(out) + sum);
  }
}
