package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.FLOAT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.mamba4j.formats.tensor.TensorType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Products of rows of 4-bit quants where they lie; only the scales come from {@link UnpackedRows}.
 * The nibbles become floats in registers.
 *
 * @param firstQuant bytes of a block before its quants
 * @param quantBytes bytes of quants in a block, a power of two
 * @param blockBytes bytes of a block
 * @param plane bytes whose low nibbles are one group and whose high nibbles the next, a power of
 *     two
 */
record NibbleProducts(int firstQuant, int quantBytes, int blockBytes, int plane) {
  private static final byte NIBBLE = 15;

  /** The layouts are those that the decoders in {@code formats.tensor} document. */
  private static final NibbleProducts Q4_1 = new NibbleProducts(4, 16, 20, 16);

  private static final NibbleProducts Q4_K = new NibbleProducts(16, 128, 144, 32);

  static boolean supports(TensorType type) {
    return switch (type) {
      case Q4_1, Q4_K -> true;
      default -> false;
    };
  }

  static NibbleProducts of(TensorType type) {
    return switch (type) {
      case Q4_1 -> Q4_1;
      case Q4_K -> Q4_K;
      default -> throw new IllegalArgumentException(type + " has no rows of nibbles");
    };
  }

  /**
   * Adds the products of four rows, or of one row four times over.
   *
   * @param columns whole blocks
   * @param row address of the first row
   * @param stride bytes from one row to the next, 0 for one row
   * @param scales float32 (UnpackedRows.ROWS, groups)
   * @param lanes see {@link LaneSums}
   */
  void add(int columns, long row, long stride, long scales, long x, long lanes, long out) {
    int step = stride == 0 ? 0 : 1;
    long w0 = row + firstQuant;
    long w1 = w0 + stride;
    long w2 = w1 + stride;
    long w3 = w2 + stride;
    long d1 = scales + (long) step * UnpackedRows.SCALES_STRIDE;
    long d2 = d1 + (long) step * UnpackedRows.SCALES_STRIDE;
    long d3 = d2 + (long) step * UnpackedRows.SCALES_STRIDE;
    int planeShift = Integer.numberOfTrailingZeros(plane);
    int blockShift = Integer.numberOfTrailingZeros(quantBytes);
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int i = 0; i < columns / 2; i += Lanes.COUNT) {
      long at = (long) (i >> blockShift) * blockBytes + (i & (quantBytes - 1));
      long low = x + 4L * (i + (i & -plane));
      long scale = 8L * (i >> planeShift);
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, low, ORDER);
      FloatVector u = fromMemorySegment(FLOATS, MEMORY, low + 4L * plane, ORDER);
      IntVector q0 = Lanes.loadUnsignedBytes(w0 + at);
      IntVector q1 = Lanes.loadUnsignedBytes(w1 + at);
      IntVector q2 = Lanes.loadUnsignedBytes(w2 + at);
      IntVector q3 = Lanes.loadUnsignedBytes(w3 + at);
      FloatVector p0 = v.mul(q0.and(NIBBLE).convertShape(I2F, FLOATS, 0));
      FloatVector p1 = v.mul(q1.and(NIBBLE).convertShape(I2F, FLOATS, 0));
      FloatVector p2 = v.mul(q2.and(NIBBLE).convertShape(I2F, FLOATS, 0));
      FloatVector p3 = v.mul(q3.and(NIBBLE).convertShape(I2F, FLOATS, 0));
      s0 = p0.fma(broadcast(FLOATS, MEMORY.get(FLOAT, scales + scale)), s0);
      s1 = p1.fma(broadcast(FLOATS, MEMORY.get(FLOAT, d1 + scale)), s1);
      s2 = p2.fma(broadcast(FLOATS, MEMORY.get(FLOAT, d2 + scale)), s2);
      s3 = p3.fma(broadcast(FLOATS, MEMORY.get(FLOAT, d3 + scale)), s3);
      p0 = u.mul(q0.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0));
      p1 = u.mul(q1.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0));
      p2 = u.mul(q2.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0));
      p3 = u.mul(q3.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0));
      s0 = p0.fma(broadcast(FLOATS, MEMORY.get(FLOAT, scales + scale + 4)), s0);
      s1 = p1.fma(broadcast(FLOATS, MEMORY.get(FLOAT, d1 + scale + 4)), s1);
      s2 = p2.fma(broadcast(FLOATS, MEMORY.get(FLOAT, d2 + scale + 4)), s2);
      s3 = p3.fma(broadcast(FLOATS, MEMORY.get(FLOAT, d3 + scale + 4)), s3);
    }
    s0.intoMemorySegment(MEMORY, lanes, ORDER);
    s1.intoMemorySegment(MEMORY, lanes + LaneSums.STRIDE, ORDER);
    s2.intoMemorySegment(MEMORY, lanes + 2 * LaneSums.STRIDE, ORDER);
    s3.intoMemorySegment(MEMORY, lanes + 3 * LaneSums.STRIDE, ORDER);
    VectorProducts.store(out, step, lanes, 0, 0, 0, 0);
  }
}
