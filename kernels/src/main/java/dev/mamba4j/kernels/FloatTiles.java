package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.LaneSums.STRIDE;
import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import jdk.incubator.vector.FloatVector;

/**
 * Products of four rows of floats with a few tokens, whose sums stay in registers: each load serves
 * as many multiply-adds as there are tokens or rows.
 *
 * <p>Sums are vectors, one for each row and token, the rows of a token side by side: lane i has the
 * products of the columns i, i + COUNT, i + 2 * COUNT and so on, in this order.
 */
final class FloatTiles {
  static final int ROWS = 4;

  /** Sums that fit the registers: AVX-512 and arm64 have 32 of them, others 16. */
  static final int TOKENS = COUNT == 16 || "aarch64".equals(System.getProperty("os.arch")) ? 4 : 2;

  /** Bytes of the sums of a tile. */
  static final long SUMS = (long) ROWS * TOKENS * STRIDE;

  /** Of a vector. */
  private static final int BYTES = 4 * COUNT;

  private FloatTiles() {}

  /**
   * sums[t][r] += Σ_c rows[r][c] * x[t][c], by lanes.
   *
   * @param columns whole vectors
   * @param rows address of the first of four rows
   * @param stride bytes from row to row
   * @param x0 address of the first token; x1 and the others those of the next
   * @param sums address of float32 (TOKENS, ROWS, COUNT)
   */
  static void add(
      int columns, long rows, long stride, long x0, long x1, long x2, long x3, long sums) {
    if (TOKENS == 4) {
      addFour(4 * columns, rows, stride, x0, x1, x2, x3, sums);
    } else {
      addTwo(4 * columns, rows, stride, x0, x1, sums);
    }
  }

  private static void addFour(
      int bytes, long rows, long stride, long x0, long x1, long x2, long x3, long sums) {
    long t0 = Lanes.address(sums);
    long t1 = t0 + 4 * STRIDE;
    long t2 = t0 + 8 * STRIDE;
    long t3 = t0 + 12 * STRIDE;
    FloatVector s00 = fromMemorySegment(FLOATS, MEMORY, t0, ORDER);
    FloatVector s01 = fromMemorySegment(FLOATS, MEMORY, t0 + STRIDE, ORDER);
    FloatVector s02 = fromMemorySegment(FLOATS, MEMORY, t0 + 2 * STRIDE, ORDER);
    FloatVector s03 = fromMemorySegment(FLOATS, MEMORY, t0 + 3 * STRIDE, ORDER);
    FloatVector s10 = fromMemorySegment(FLOATS, MEMORY, t1, ORDER);
    FloatVector s11 = fromMemorySegment(FLOATS, MEMORY, t1 + STRIDE, ORDER);
    FloatVector s12 = fromMemorySegment(FLOATS, MEMORY, t1 + 2 * STRIDE, ORDER);
    FloatVector s13 = fromMemorySegment(FLOATS, MEMORY, t1 + 3 * STRIDE, ORDER);
    FloatVector s20 = fromMemorySegment(FLOATS, MEMORY, t2, ORDER);
    FloatVector s21 = fromMemorySegment(FLOATS, MEMORY, t2 + STRIDE, ORDER);
    FloatVector s22 = fromMemorySegment(FLOATS, MEMORY, t2 + 2 * STRIDE, ORDER);
    FloatVector s23 = fromMemorySegment(FLOATS, MEMORY, t2 + 3 * STRIDE, ORDER);
    FloatVector s30 = fromMemorySegment(FLOATS, MEMORY, t3, ORDER);
    FloatVector s31 = fromMemorySegment(FLOATS, MEMORY, t3 + STRIDE, ORDER);
    FloatVector s32 = fromMemorySegment(FLOATS, MEMORY, t3 + 2 * STRIDE, ORDER);
    FloatVector s33 = fromMemorySegment(FLOATS, MEMORY, t3 + 3 * STRIDE, ORDER);
    long r0 = Lanes.address(rows);
    long r1 = Lanes.address(rows + stride);
    long r2 = Lanes.address(rows + 2 * stride);
    long r3 = Lanes.address(rows + 3 * stride);
    long in0 = Lanes.address(x0);
    long in1 = Lanes.address(x1);
    long in2 = Lanes.address(x2);
    long in3 = Lanes.address(x3);
    for (int i = 0; i < bytes; i += BYTES) {
      FloatVector v0 = fromMemorySegment(FLOATS, MEMORY, in0 + i, ORDER);
      FloatVector v1 = fromMemorySegment(FLOATS, MEMORY, in1 + i, ORDER);
      FloatVector v2 = fromMemorySegment(FLOATS, MEMORY, in2 + i, ORDER);
      FloatVector v3 = fromMemorySegment(FLOATS, MEMORY, in3 + i, ORDER);
      FloatVector w = fromMemorySegment(FLOATS, MEMORY, r0 + i, ORDER);
      s00 = w.fma(v0, s00);
      s10 = w.fma(v1, s10);
      s20 = w.fma(v2, s20);
      s30 = w.fma(v3, s30);
      w = fromMemorySegment(FLOATS, MEMORY, r1 + i, ORDER);
      s01 = w.fma(v0, s01);
      s11 = w.fma(v1, s11);
      s21 = w.fma(v2, s21);
      s31 = w.fma(v3, s31);
      w = fromMemorySegment(FLOATS, MEMORY, r2 + i, ORDER);
      s02 = w.fma(v0, s02);
      s12 = w.fma(v1, s12);
      s22 = w.fma(v2, s22);
      s32 = w.fma(v3, s32);
      w = fromMemorySegment(FLOATS, MEMORY, r3 + i, ORDER);
      s03 = w.fma(v0, s03);
      s13 = w.fma(v1, s13);
      s23 = w.fma(v2, s23);
      s33 = w.fma(v3, s33);
    }
    s00.intoMemorySegment(MEMORY, t0, ORDER);
    s01.intoMemorySegment(MEMORY, t0 + STRIDE, ORDER);
    s02.intoMemorySegment(MEMORY, t0 + 2 * STRIDE, ORDER);
    s03.intoMemorySegment(MEMORY, t0 + 3 * STRIDE, ORDER);
    s10.intoMemorySegment(MEMORY, t1, ORDER);
    s11.intoMemorySegment(MEMORY, t1 + STRIDE, ORDER);
    s12.intoMemorySegment(MEMORY, t1 + 2 * STRIDE, ORDER);
    s13.intoMemorySegment(MEMORY, t1 + 3 * STRIDE, ORDER);
    s20.intoMemorySegment(MEMORY, t2, ORDER);
    s21.intoMemorySegment(MEMORY, t2 + STRIDE, ORDER);
    s22.intoMemorySegment(MEMORY, t2 + 2 * STRIDE, ORDER);
    s23.intoMemorySegment(MEMORY, t2 + 3 * STRIDE, ORDER);
    s30.intoMemorySegment(MEMORY, t3, ORDER);
    s31.intoMemorySegment(MEMORY, t3 + STRIDE, ORDER);
    s32.intoMemorySegment(MEMORY, t3 + 2 * STRIDE, ORDER);
    s33.intoMemorySegment(MEMORY, t3 + 3 * STRIDE, ORDER);
  }

  private static void addTwo(int bytes, long rows, long stride, long x0, long x1, long sums) {
    long t0 = Lanes.address(sums);
    long t1 = t0 + 4 * STRIDE;
    FloatVector s00 = fromMemorySegment(FLOATS, MEMORY, t0, ORDER);
    FloatVector s01 = fromMemorySegment(FLOATS, MEMORY, t0 + STRIDE, ORDER);
    FloatVector s02 = fromMemorySegment(FLOATS, MEMORY, t0 + 2 * STRIDE, ORDER);
    FloatVector s03 = fromMemorySegment(FLOATS, MEMORY, t0 + 3 * STRIDE, ORDER);
    FloatVector s10 = fromMemorySegment(FLOATS, MEMORY, t1, ORDER);
    FloatVector s11 = fromMemorySegment(FLOATS, MEMORY, t1 + STRIDE, ORDER);
    FloatVector s12 = fromMemorySegment(FLOATS, MEMORY, t1 + 2 * STRIDE, ORDER);
    FloatVector s13 = fromMemorySegment(FLOATS, MEMORY, t1 + 3 * STRIDE, ORDER);
    long r0 = Lanes.address(rows);
    long r1 = Lanes.address(rows + stride);
    long r2 = Lanes.address(rows + 2 * stride);
    long r3 = Lanes.address(rows + 3 * stride);
    long in0 = Lanes.address(x0);
    long in1 = Lanes.address(x1);
    for (int i = 0; i < bytes; i += BYTES) {
      FloatVector v0 = fromMemorySegment(FLOATS, MEMORY, in0 + i, ORDER);
      FloatVector v1 = fromMemorySegment(FLOATS, MEMORY, in1 + i, ORDER);
      FloatVector w = fromMemorySegment(FLOATS, MEMORY, r0 + i, ORDER);
      s00 = w.fma(v0, s00);
      s10 = w.fma(v1, s10);
      w = fromMemorySegment(FLOATS, MEMORY, r1 + i, ORDER);
      s01 = w.fma(v0, s01);
      s11 = w.fma(v1, s11);
      w = fromMemorySegment(FLOATS, MEMORY, r2 + i, ORDER);
      s02 = w.fma(v0, s02);
      s12 = w.fma(v1, s12);
      w = fromMemorySegment(FLOATS, MEMORY, r3 + i, ORDER);
      s03 = w.fma(v0, s03);
      s13 = w.fma(v1, s13);
    }
    s00.intoMemorySegment(MEMORY, t0, ORDER);
    s01.intoMemorySegment(MEMORY, t0 + STRIDE, ORDER);
    s02.intoMemorySegment(MEMORY, t0 + 2 * STRIDE, ORDER);
    s03.intoMemorySegment(MEMORY, t0 + 3 * STRIDE, ORDER);
    s10.intoMemorySegment(MEMORY, t1, ORDER);
    s11.intoMemorySegment(MEMORY, t1 + STRIDE, ORDER);
    s12.intoMemorySegment(MEMORY, t1 + 2 * STRIDE, ORDER);
    s13.intoMemorySegment(MEMORY, t1 + 3 * STRIDE, ORDER);
  }
}
