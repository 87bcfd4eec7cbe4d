package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.mamba4j.formats.tensor.TensorType;
import jdk.incubator.vector.FloatVector;

/**
 * Products of weight rows with float vectors, added to what is there. Here those of weights that
 * are floats with one token: four rows at a time share the loads of the vector and hide each
 * other's latencies. Those with more, and of quantized weights, are {@link TiledProducts}.
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

  private VectorProducts() {}

  static boolean supports(TensorType type) {
    return isDirect(type) || UnpackedRows.supports(type);
  }

  /** Whether weights are floats. */
  static boolean isDirect(TensorType type) {
    return switch (type) {
      case F32, F16, BF16 -> true;
      default -> false;
    };
  }

  /** y[t][r] += Σ_c weights[r][c] * x[t][c]. */
  static void add(Matrix weights, int fromRow, int toRow, Vectors x, int tokens, Vectors y) {
    if (tokens == 1 && isDirect(weights.type())) {
      add(weights, fromRow, toRow, x.rowAddress(0), y.rowAddress(0));
    } else {
      TiledProducts.add(weights, fromRow, toRow, x, tokens, y);
    }
  }

  private static void add(Matrix weights, int fromRow, int toRow, long x, long y) {
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
