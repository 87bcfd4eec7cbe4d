package dev.mamba4j.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.engine.sampling.LogProbabilities.Entry;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LogProbabilitiesTest {
  @Test
  void takesNaturalLogarithms() {
    // log(e + e^2 + e^3) = 3.4076059644443806
    assertThat(LogProbabilities.logSoftmax(new float[] {1, 2, 3}, 3))
        .containsExactly(
            (float) -2.4076059644443806, (float) -1.4076059644443806, (float) -0.4076059644443806);
    assertThat(LogProbabilities.logSumExp(new float[] {1, 2, 3}, 3))
        .isCloseTo(3.4076059644443806, within(1e-15));
  }

  @Test
  void holdsForLogitsFarFromZero() {
    assertThat(LogProbabilities.logSoftmax(new float[] {10_001, 10_002, 10_003}, 3))
        .containsExactly(
            (float) -2.4076059644443806, (float) -1.4076059644443806, (float) -0.4076059644443806);
    assertThat(LogProbabilities.logSoftmax(new float[] {-10_000, 0}, 2))
        .containsExactly(-10_000, 0);
  }

  @Test
  void addsUpInDoublePrecision() {
    // A float32 sum of ones stops growing at 2^24.
    assertThat(LogProbabilities.logSumExp(new float[20_000_000], 20_000_000))
        .isCloseTo(16.811242831518264, within(1e-14));
  }

  @Test
  void leavesPaddingOut() {
    LogProbabilities values = LogProbabilities.of(new float[] {0, 0, Float.NaN}, 2);
    assertThat(values.get(1)).isEqualTo(-0.6931472f);
    assertThat(values.top(3)).extracting(Entry::token).containsExactly(0, 1);
    assertThatThrownBy(() -> values.get(2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> LogProbabilities.of(new float[2], 3))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void listsTheMostProbableFirst() {
    Random random = new Random(1);
    float[] logits = new float[500];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = Math.round(10 * random.nextGaussian());
    }
    List<Integer> sorted =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted(Comparator.<Integer, Float>comparing(id -> -logits[id]).thenComparing(id -> id))
            .toList();
    LogProbabilities values = LogProbabilities.of(logits, logits.length);
    for (int n : new int[] {0, 1, 2, 10, 499, 500}) {
      assertThat(values.top(n)).extracting(Entry::token).isEqualTo(sorted.subList(0, n));
    }
    assertThat(values.top(1000))
        .hasSize(500)
        .allMatch(e -> e.logProbability() == values.get(e.token()));
  }

  @Test
  void leavesImpossibleTokensOutOfTheList() {
    float[] logits = {Float.NEGATIVE_INFINITY, 1, Float.NEGATIVE_INFINITY, 1};
    LogProbabilities values = LogProbabilities.of(logits, 4);
    assertThat(values.get(0)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(values.top(4)).containsExactly(new Entry(1, -0.6931472f), new Entry(3, -0.6931472f));
  }

  @Test
  void tellsHowFarADistributionIsFromAnother() {
    // Logarithms of (1/2, 1/4, 1/4) and (1/4, 1/2, 1/4): the divergence is log(2) / 4.
    float half = (float) Math.log(0.5);
    float quarter = (float) Math.log(0.25);
    float[] base = {half, quarter, quarter};
    float[] other = {quarter + 100, half + 100, quarter + 100};
    assertThat(LogProbabilities.divergence(base, other, 3))
        .isCloseTo(Math.log(2) / 4, within(1e-5)); // 100 takes five digits of a float
    assertThat(LogProbabilities.divergence(base, base, 3)).isZero();
  }

  @Test
  void addsDivergencesAsTheDefinitionHasThem() {
    Random random = new Random(2);
    float[] base = new float[1000];
    float[] other = new float[1000];
    for (int i = 0; i < base.length; i++) {
      base[i] = (float) (4 * random.nextGaussian());
      other[i] = (float) (base[i] + 0.01 * random.nextGaussian());
    }
    double baseSum = 0;
    double otherSum = 0;
    for (int i = 0; i < base.length; i++) {
      baseSum += Math.exp(base[i]);
      otherSum += Math.exp(other[i]);
    }
    double expected = 0;
    for (int i = 0; i < base.length; i++) {
      double p = Math.exp(base[i]) / baseSum;
      double q = Math.exp(other[i]) / otherSum;
      expected += p * Math.log(p / q);
    }
    assertThat(LogProbabilities.divergence(base, other, base.length))
        .isCloseTo(expected, within(1e-13));
  }

  @Test
  void divergesWithoutBoundWhereAPossibleTokenIsImpossible() {
    float impossible = Float.NEGATIVE_INFINITY;
    float[] one = {0, impossible};
    float[] both = {0, 0};
    assertThat(LogProbabilities.divergence(one, both, 2)).isCloseTo(Math.log(2), within(1e-15));
    assertThat(LogProbabilities.divergence(both, one, 2)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(LogProbabilities.divergence(one, one, 2)).isZero();
  }

  @Test
  void refusesLogitsThatAreNoNumbers() {
    assertThatThrownBy(() -> LogProbabilities.of(new float[] {1, Float.NaN}, 2))
        .isInstanceOf(SamplingException.class)
        .hasMessage("model gave NaN logits");
    float[] impossible = new float[3];
    Arrays.fill(impossible, Float.NEGATIVE_INFINITY);
    assertThatThrownBy(() -> LogProbabilities.of(impossible, 3))
        .isInstanceOf(SamplingException.class)
        .hasMessageContaining("no token is possible");
  }
}
