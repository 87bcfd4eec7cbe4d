package dev.mamba4j.formats.tensor;

import static jdk.incubator.vector.FloatVector.fromArray;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** With the Vector API, in vectors of eight values or four. */
final class VectorGroupSums extends GroupSums {
  private static final VectorSpecies<Float> FLOATS =
      FloatVector.SPECIES_PREFERRED.length() < LANES
          ? FloatVector.SPECIES_128
          : FloatVector.SPECIES_256;

  private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  private static final int COUNT = FLOATS.length();

  /** Whether the processor has such vectors. */
  static final boolean USABLE = FloatVector.SPECIES_PREFERRED.length() >= COUNT;

  VectorGroupSums(BlockQuantizer block, float lowest, int highest) {
    super(block, lowest, highest);
  }

  @Override
  void fill(int from, int to, float factor, float shift) {
    for (int lane = 0; lane < LANES; lane += COUNT) {
      FloatVector sum = FloatVector.zero(FLOATS);
      FloatVector squares = sum;
      FloatVector products = sum;
      for (int i = from + lane; i < to; i += LANES) {
        FloatVector scaled = fromArray(FLOATS, x, i).mul(factor).add(shift);
        IntVector q = (IntVector) scaled.convertShape(VectorOperators.F2I, INTS, 0);
        q = q.min(highest).max(0);
        FloatVector level = (FloatVector) q.convertShape(VectorOperators.I2F, FLOATS, 0);
        level = level.add(lowest);
        FloatVector weighted = fromArray(FLOATS, w, i).mul(level);
        sum = sum.add(weighted);
        squares = squares.add(weighted.mul(level));
        products = products.add(fromArray(FLOATS, wx, i).mul(level));
      }
      sum.intoArray(lanes, lane);
      squares.intoArray(lanes, LANES + lane);
      products.intoArray(lanes, 2 * LANES + lane);
    }
  }
}
