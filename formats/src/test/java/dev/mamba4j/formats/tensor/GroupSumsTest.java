package dev.mamba4j.formats.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("vector-width")
class GroupSumsTest {
  private static final int LOWEST = -8;
  private static final int HIGHEST = 15;
  private static final float FACTOR = 3.7f;
  private static final float SHIFT = 8.5f;

  private final BlockQuantizer block = TensorType.Q4_K.newQuantizer();

  GroupSumsTest() {
    Random random = new Random(1);
    for (int i = 0; i < block.x.length; i++) {
      block.x[i] = (float) (2 * random.nextGaussian()); // some beyond either end
      block.w[i] = random.nextFloat();
      block.wx[i] = block.w[i] * block.x[i];
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 32, 256})
  void addsUpTheNearestLevels(int size) {
    double wl = 0;
    double wll = 0;
    double wxl = 0;
    int from = 256 - size;
    for (int i = from; i < 256; i++) {
      double level = Math.clamp(Math.floor(block.x[i] * FACTOR + SHIFT), 0, HIGHEST) + LOWEST;
      wl += block.w[i] * level;
      wll += block.w[i] * level * level;
      wxl += (double) block.wx[i] * level;
    }
    GroupSums sums = new ScalarGroupSums(block, LOWEST, HIGHEST);
    sums.measure(from, 256, FACTOR, SHIFT);
    assertThat(sums.wl).isCloseTo(wl, within(1e-3));
    assertThat(sums.wll).isCloseTo(wll, within(1e-2));
    assertThat(sums.wxl).isCloseTo(wxl, within(1e-2));
  }

  /** Files do not depend on the machine that makes them, nor on whether code is compiled yet. */
  @Test
  void vectorsGiveTheSameBits() {
    GroupSums scalar = new ScalarGroupSums(block, LOWEST, HIGHEST);
    GroupSums vector = new VectorGroupSums(block, LOWEST, HIGHEST);
    for (int i = 0; i < 20_000; i++) {
      int from = 16 * (i % 15);
      float factor = FACTOR + 1e-3f * i;
      scalar.measure(from, from + 32, factor, SHIFT);
      vector.measure(from, from + 32, factor, SHIFT);
      assertThat(new double[] {vector.wl, vector.wll, vector.wxl})
          .containsExactly(scalar.wl, scalar.wll, scalar.wxl);
    }
  }

  /** NaN counts as the lowest, and what is huge as the nearest end. */
  @Test
  void numbersWithoutALevelAreBounded() {
    block.x[0] = Float.NaN;
    block.x[1] = 1e30f;
    block.x[2] = -1e30f;
    GroupSums scalar = new ScalarGroupSums(block, 0, HIGHEST);
    GroupSums vector = new VectorGroupSums(block, 0, HIGHEST);
    scalar.measure(0, 16, FACTOR, SHIFT);
    vector.measure(0, 16, FACTOR, SHIFT);
    assertThat(vector.wl).isEqualTo(scalar.wl);
    assertThat(scalar.wl).isBetween(0.0, 16.0 * HIGHEST);
  }
}
