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
 * Products of weight rows with float vectors, added to what is there. Here those with one token:
 * four rows at a time share the loads of the vector and hide each other's latencies. Those with
 * more are {@link TiledProducts}.
 *
 * <p>All products are added up in one order, so that prefill gives what steps give: a weight
 * becomes a float (see {@link FloatRows}), each lane adds up the products of its columns by one
 * multiply-add after another, and {@link LaneSums} adds up the lanes.
 *
 * <p>C2 stops inlining in a method where it has made 18000 nodes, of which each operation of the
 * Vector API takes some hundred before they fold: a loop may hold about eight loads of weights.
 * Past that vectors go through the heap. And it must see loops that count: {@code i < whole}, not
 * {@code i + COUNT <= columns}.
 *
 * <p>One method for each type rather than one with a strategy: vectors must not cross a call that
 * is not inlined. Each has more than 325 bytecodes (C2's FreqInlineSize), so that it is compiled by
 * itself; inlined into its callers together with others, its own calls would not be inlined. For
 * the same reason lanes are added up from memory.
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
    if (tokens > 1) {
      TiledProducts.add(weights, fromRow, toRow, x, tokens, y);
    } else if (tokens == 1) {
      add(weights, fromRow, toRow, x.rowAddress(0), y.rowAddress(0));
    }
  }

  private static void add(Matrix weights, int fromRow, int toRow, long x, long y) {
    if (!isDirect(weights.type())) {
      UnpackedProducts.add(weights, fromRow, toRow, x, y);
      return;
    }
    int columns = weights.columns();
    long stride = weights.rowBytes();
    long first = weights.rowAddress(0);
    int row = fromRow;
    for (; row + ROWS <= toRow; row += ROWS) {
      addRows(weights.type(), columns, first + row * stride, stride, x, y + 4L * row);
    }
    for (; row < toRow; row++) {
      addRows(weights.type(), columns, first + row * stride, 0, x, y + 4L * row);
    }
  }

  /**
   * Four rows, or one row four times over where no four are left.
   *
   * @param row address of the first
   * @param stride bytes from row to row, 0 for one row
   */
  private static void addRows(
      TensorType type, int columns, long row, long stride, long x, long out) {
    long lanes = LaneSums.ofThread();
    switch (type) {
      case F32 -> addF32(columns, row, stride, x, lanes, out);
      case F16 -> addF16(columns, row, stride, x, lanes, out);
      case BF16 -> addBF16(columns, row, stride, x, lanes, out);
      case Q4_0 -> {
        addQ4_0(columns / 32, row, stride, x, lanes);
        addQ4_0(columns / 32, row + 2 * stride, stride, x, lanes + 2 * LaneSums.STRIDE);
        store(out, stride, lanes, 0, 0, 0, 0);
      }
      case Q8_0 -> addQ8_0(columns / 32, row, stride, x, lanes, out);
      default -> throw new IllegalArgumentException("no vector product for " + type);
    }
  }

  /** What columns behind whole vectors add to a product. */
  static float rest(Matrix weights, int row, int from, long x) {
    float sum = 0;
    for (int i = from; i < weights.columns(); i++) {
      long at = weights.rowAddress(row) + weights.type().byteSize(i);
      float weight =
          switch (weights.type()) {
            case F32 -> Lanes.loadFloat(at);
            case F16 -> Lanes.loadHalf(at);
            default -> Lanes.loadBrainHalf(at);
          };
      sum += weight * Lanes.loadFloat(x + 4L * i);
    }
    return sum;
  }

  private static void addF32(int columns, long row, long stride, long x, long lanes, long out) {
    long w0 = Lanes.address(row);
    long w1 = Lanes.address(row + stride);
    long w2 = Lanes.address(row + 2 * stride);
    long w3 = Lanes.address(row + 3 * stride);
    long in = Lanes.address(x);
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int whole = columns / COUNT * COUNT;
    for (int i = 0; i < whole; i += COUNT) {
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, in + 4L * i, ORDER);
      s0 = fromMemorySegment(FLOATS, MEMORY, w0 + 4L * i, ORDER).fma(v, s0);
      s1 = fromMemorySegment(FLOATS, MEMORY, w1 + 4L * i, ORDER).fma(v, s1);
      s2 = fromMemorySegment(FLOATS, MEMORY, w2 + 4L * i, ORDER).fma(v, s2);
      s3 = fromMemorySegment(FLOATS, MEMORY, w3 + 4L * i, ORDER).fma(v, s3);
    }
    float t0 = 0;
    float t1 = 0;
    float t2 = 0;
    float t3 = 0;
    for (int i = whole; i < columns; i++) {
      float v = Lanes.loadFloat(in + 4L * i);
      t0 += Lanes.loadFloat(w0 + 4L * i) * v;
      t1 += Lanes.loadFloat(w1 + 4L * i) * v;
      t2 += Lanes.loadFloat(w2 + 4L * i) * v;
      t3 += Lanes.loadFloat(w3 + 4L * i) * v;
    }
    long sums = Lanes.address(lanes);
    s0.intoMemorySegment(MEMORY, sums, ORDER);
    s1.intoMemorySegment(MEMORY, sums + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, sums + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, sums + 3 * LaneSums.STRIDE, ORDER);
    store(out, stride, sums, t0, t1, t2, t3);
  }

  private static void addF16(int columns, long row, long stride, long x, long lanes, long out) {
    long w0 = Lanes.address(row);
    long w1 = Lanes.address(row + stride);
    long w2 = Lanes.address(row + 2 * stride);
    long w3 = Lanes.address(row + 3 * stride);
    long in = Lanes.address(x);
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int whole = columns / COUNT * COUNT;
    for (int i = 0; i < whole; i += COUNT) {
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, in + 4L * i, ORDER);
      s0 = Lanes.loadHalves(w0 + 2L * i).fma(v, s0);
      s1 = Lanes.loadHalves(w1 + 2L * i).fma(v, s1);
      s2 = Lanes.loadHalves(w2 + 2L * i).fma(v, s2);
      s3 = Lanes.loadHalves(w3 + 2L * i).fma(v, s3);
    }
    float t0 = 0;
    float t1 = 0;
    float t2 = 0;
    float t3 = 0;
    for (int i = whole; i < columns; i++) {
      float v = Lanes.loadFloat(in + 4L * i);
      t0 += Lanes.loadHalf(w0 + 2L * i) * v;
      t1 += Lanes.loadHalf(w1 + 2L * i) * v;
      t2 += Lanes.loadHalf(w2 + 2L * i) * v;
      t3 += Lanes.loadHalf(w3 + 2L * i) * v;
    }
    long sums = Lanes.address(lanes);
    s0.intoMemorySegment(MEMORY, sums, ORDER);
    s1.intoMemorySegment(MEMORY, sums + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, sums + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, sums + 3 * LaneSums.STRIDE, ORDER);
    store(out, stride, sums, t0, t1, t2, t3);
  }

  private static void addBF16(int columns, long row, long stride, long x, long lanes, long out) {
    long w0 = Lanes.address(row);
    long w1 = Lanes.address(row + stride);
    long w2 = Lanes.address(row + 2 * stride);
    long w3 = Lanes.address(row + 3 * stride);
    long in = Lanes.address(x);
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int whole = columns / COUNT * COUNT;
    for (int i = 0; i < whole; i += COUNT) {
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, in + 4L * i, ORDER);
      s0 = Lanes.loadBrainHalves(w0 + 2L * i).fma(v, s0);
      s1 = Lanes.loadBrainHalves(w1 + 2L * i).fma(v, s1);
      s2 = Lanes.loadBrainHalves(w2 + 2L * i).fma(v, s2);
      s3 = Lanes.loadBrainHalves(w3 + 2L * i).fma(v, s3);
    }
    float t0 = 0;
    float t1 = 0;
    float t2 = 0;
    float t3 = 0;
    for (int i = whole; i < columns; i++) {
      float v = Lanes.loadFloat(in + 4L * i);
      t0 += Lanes.loadBrainHalf(w0 + 2L * i) * v;
      t1 += Lanes.loadBrainHalf(w1 + 2L * i) * v;
      t2 += Lanes.loadBrainHalf(w2 + 2L * i) * v;
      t3 += Lanes.loadBrainHalf(w3 + 2L * i) * v;
    }
    long sums = Lanes.address(lanes);
    s0.intoMemorySegment(MEMORY, sums, ORDER);
    s1.intoMemorySegment(MEMORY, sums + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, sums + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, sums + 3 * LaneSums.STRIDE, ORDER);
    store(out, stride, sums, t0, t1, t2, t3);
  }

  private static void addQ8_0(int blocks, long row, long stride, long x, long lanes, long out) {
    long w0 = Lanes.address(row);
    long w1 = Lanes.address(row + stride);
    long w2 = Lanes.address(row + 2 * stride);
    long w3 = Lanes.address(row + 3 * stride);
    long in = Lanes.address(x);
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int block = 0; block < blocks; block++) {
      long at = 34L * block;
      FloatVector d0 = broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w0 + at)));
      FloatVector d1 = broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w1 + at)));
      FloatVector d2 = broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w2 + at)));
      FloatVector d3 = broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w3 + at)));
      for (int i = 0; i < 32; i += 2 * COUNT) {
        long q = at + 2 + i;
        long values = in + 128L * block + 4L * i;
        FloatVector v = fromMemorySegment(FLOATS, MEMORY, values, ORDER);
        s0 = Lanes.loadBytes(w0 + q).mul(d0).fma(v, s0);
        s1 = Lanes.loadBytes(w1 + q).mul(d1).fma(v, s1);
        s2 = Lanes.loadBytes(w2 + q).mul(d2).fma(v, s2);
        s3 = Lanes.loadBytes(w3 + q).mul(d3).fma(v, s3);
        q += COUNT;
        v = fromMemorySegment(FLOATS, MEMORY, values + BYTES, ORDER);
        s0 = Lanes.loadBytes(w0 + q).mul(d0).fma(v, s0);
        s1 = Lanes.loadBytes(w1 + q).mul(d1).fma(v, s1);
        s2 = Lanes.loadBytes(w2 + q).mul(d2).fma(v, s2);
        s3 = Lanes.loadBytes(w3 + q).mul(d3).fma(v, s3);
      }
    }
    long sums = Lanes.address(lanes);
    s0.intoMemorySegment(MEMORY, sums, ORDER);
    s1.intoMemorySegment(MEMORY, sums + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, sums + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, sums + 3 * LaneSums.STRIDE, ORDER);
    store(out, stride, sums, 0, 0, 0, 0);
  }

  /**
   * First the low nibbles of a block, which are its first 16 columns, then the high ones. What C2
   * inlines lasts for two rows.
   */
  private static void addQ4_0(int blocks, long row, long stride, long x, long lanes) {
    long w0 = Lanes.address(row);
    long w1 = Lanes.address(row + stride);
    long in = Lanes.address(x);
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    for (int block = 0; block < blocks; block++) {
      long at = 18L * block;
      long values = in + 128L * block;
      FloatVector d0 = broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w0 + at)));
      FloatVector d1 = broadcast(FLOATS, float16ToFloat(MEMORY.get(SHORT, w1 + at)));
      FloatVector m0 = d0.mul(-ZERO);
      FloatVector m1 = d1.mul(-ZERO);
      for (int i = 0; i < 16; i += COUNT) {
        IntVector q0 = Lanes.loadUnsignedBytes(w0 + at + 2 + i).and(NIBBLE);
        IntVector q1 = Lanes.loadUnsignedBytes(w1 + at + 2 + i).and(NIBBLE);
        FloatVector v = fromMemorySegment(FLOATS, MEMORY, values + 4L * i, ORDER);
        s0 = ((FloatVector) q0.convertShape(I2F, FLOATS, 0)).fma(d0, m0).fma(v, s0);
        s1 = ((FloatVector) q1.convertShape(I2F, FLOATS, 0)).fma(d1, m1).fma(v, s1);
      }
      for (int i = 0; i < 16; i += COUNT) {
        IntVector q0 = Lanes.loadUnsignedBytes(w0 + at + 2 + i).lanewise(LSHR, 4);
        IntVector q1 = Lanes.loadUnsignedBytes(w1 + at + 2 + i).lanewise(LSHR, 4);
        FloatVector v = fromMemorySegment(FLOATS, MEMORY, values + 64 + 4L * i, ORDER);
        s0 = ((FloatVector) q0.convertShape(I2F, FLOATS, 0)).fma(d0, m0).fma(v, s0);
        s1 = ((FloatVector) q1.convertShape(I2F, FLOATS, 0)).fma(d1, m1).fma(v, s1);
      }
    }
    long sums = Lanes.address(lanes);
    s0.intoMemorySegment(MEMORY, sums, ORDER);
    s1.intoMemorySegment(MEMORY, sums + LaneSums.STRIDE, ORDER);
  }

  /**
   * Adds the sums of four vectors, or the first, and then what is behind whole vectors, to what is
   * there.
   */
  private static void store(
      long out, long stride, long lanes, float t0, float t1, float t2, float t3) {
    add(out, LaneSums.of(lanes), t0);
    if (stride != 0) {
      add(out + 4, LaneSums.of(lanes + LaneSums.STRIDE), t1);
      add(out + 8, LaneSums.of(lanes + 2 * LaneSums.STRIDE), t2);
      add(out + 12, LaneSums.of(lanes + 3 * LaneSums.STRIDE), t3);
    }
  }

  private static void add(long out, float sum, float rest) {
    Lanes.storeFloat(out, Lanes.loadFloat(out) + sum + rest);
  }
}
