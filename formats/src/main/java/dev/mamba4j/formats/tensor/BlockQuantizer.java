package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Quantizes one block at a time, in steps: {@link #fit} chooses scales and integers, {@link #round}
 * may then replace single integers on the same scales, as methods with error feedback do, and
 * {@link #write} packs the block.
 *
 * <p>The scales are those that minimize {@code sum of weight * (value - decoded)^2}: candidates
 * around the largest value, each refitted by weighted least squares to the integers that it gives;
 * then, for blocks whose groups have scales of a few bits, those and the scale of the block in
 * turns. Not safe for several threads.
 */
public abstract class BlockQuantizer {
  private static final float MAX_HALF = 65504;

  /** Below that, a block is taken for zeros: its inverse could overflow. */
  static final float TINY = 1e-30f;

  private final QuantizedCodec codec;
  final int groups;
  final int groupSize;
  final BlockCodes codes;
  final float[] x; // the values
  final float[] w; // their weights, at most 1
  final float[] wx; // weight times value

  BlockQuantizer(QuantizedCodec codec, int groups, int groupSize) {
    this.codec = codec;
    this.groups = groups;
    this.groupSize = groupSize;
    int size = groups * groupSize;
    codes = new BlockCodes(groups, size);
    x = new float[size];
    w = new float[size];
    wx = new float[size];
  }

  /**
   * Chooses scales and integers for a block.
   *
   * @param weights what the squared error of each value counts, not negative; null if all count
   *     alike
   */
  public final void fit(float[] values, int from, float[] weights, int weightsFrom) {
    float max = 0;
    if (weights != null) {
      for (int i = 0; i < x.length; i++) {
        max = Math.max(max, weights[weightsFrom + i]);
      }
    }
    boolean even = !(max > 0);
    for (int i = 0; i < x.length; i++) {
      x[i] = values[from + i];
      w[i] = even ? 1 : Math.max(weights[weightsFrom + i] / max, LEAST_WEIGHT);
    }
    for (int i = 0; i < x.length; i++) {
      wx[i] = w[i] * x[i];
    }
    fitScales();
    for (int i = 0; i < x.length; i++) {
      round(i, x[i]);
    }
  }

  /** A value that does not matter at all still gets a sensible integer. */
  private static final float LEAST_WEIGHT = 1e-6f;

  /** Chooses the scales for x and w. */
  abstract void fitScales();

  /**
   * Gives value i of the block the integer that is nearest to a number on the scales chosen.
   *
   * @return what it decodes to
   */
  public abstract float round(int i, float number);

  /** Writes the block. */
  public final void write(MemorySegment target, long offset) {
    codec.packBlock(codes, target, offset);
  }

  /** The nearest number that half precision holds. */
  static float half(double number) {
    double clamped = Math.clamp(number, -MAX_HALF, MAX_HALF);
    return Float.float16ToFloat(Float.floatToFloat16((float) clamped));
  }
}
