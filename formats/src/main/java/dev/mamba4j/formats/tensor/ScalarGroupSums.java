package dev.mamba4j.formats.tensor;

import java.util.Arrays;

/** Value by value. */
final class ScalarGroupSums extends GroupSums {
  ScalarGroupSums(BlockQuantizer block, float lowest, int highest) {
    super(block, lowest, highest);
  }

  @Override
  void fill(int from, int to, float factor, float shift) {
    Arrays.fill(lanes, 0);
    for (int i = from; i < to; i++) {
      int lane = i % LANES;
      float level = lowest + Math.max(0, Math.min((int) (x[i] * factor + shift), highest));
      float weighted = w[i] * level;
      lanes[lane] += weighted;
      lanes[LANES + lane] += weighted * level;
      lanes[2 * LANES + lane] += wx[i] * level;
    }
  }
}
