package dev.mamba4j.formats.tensor;

/**
 * What a search for scales asks of a group of values again and again: sums over the integers that
 * the values get on a scale. Not safe for several threads.
 *
 * <p>They are added up in eight lanes, value i in lane i mod 8, and the upper half of the lanes is
 * added to the lower one until one is left. So files have the same bytes wherever they are made,
 * with the Vector API or, where its module is missing, without.
 */
abstract sealed class GroupSums permits ScalarGroupSums, VectorGroupSums {
  static final int LANES = 8;

  private static final boolean VECTORS =
      ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();

  /** Sum of w * level. */
  double wl;

  /** Sum of w * level^2. */
  double wll;

  /** Sum of w * x * level. */
  double wxl;

  /** The lanes of the three sums. */
  final float[] lanes = new float[3 * LANES];

  final float[] x;
  final float[] w;
  final float[] wx;
  final float lowest;
  final int highest;

  GroupSums(BlockQuantizer block, float lowest, int highest) {
    x = block.x;
    w = block.w;
    wx = block.wx;
    this.lowest = lowest;
    this.highest = highest;
  }

  /**
   * Sums over values of a block by the fastest way there is here.
   *
   * @param lowest level
   * @param highest how far above it the highest is
   */
  static GroupSums of(BlockQuantizer block, float lowest, int highest) {
    return VECTORS && VectorGroupSums.USABLE
        ? new VectorGroupSums(block, lowest, highest)
        : new ScalarGroupSums(block, lowest, highest);
  }

  /**
   * Sums over values {@code from} to {@code to}, a multiple of eight, each at the level {@code
   * lowest + q}, where q is the whole part of {@code x * factor + shift}, at least 0 and at most
   * {@code highest}.
   */
  final void measure(int from, int to, float factor, float shift) {
    fill(from, to, factor, shift);
    wl = total(0);
    wll = total(LANES);
    wxl = total(2 * LANES);
  }

  /** Sets the lanes. */
  abstract void fill(int from, int to, float factor, float shift);

  private float total(int at) {
    float even = (lanes[at] + lanes[at + 4]) + (lanes[at + 2] + lanes[at + 6]);
    float odd = (lanes[at + 1] + lanes[at + 5]) + (lanes[at + 3] + lanes[at + 7]);
    return even + odd;
  }
}
