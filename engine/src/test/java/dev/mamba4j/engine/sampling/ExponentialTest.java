package dev.mamba4j.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ExponentialTest {
  @Test
  void isWithinTwoToTheMinus51() {
    Random random = new Random(1);
    double worst = 0;
    for (int i = 0; i < 2_000_000; i++) {
      double x = i % 2 == 0 ? random.nextDouble(-708, 709) : 4 * random.nextGaussian();
      double exact = StrictMath.exp(x);
      worst = Math.max(worst, Math.abs(Exponential.of(x) - exact) / exact);
    }
    assertThat(worst).isBetween(0x1p-60, 0x1p-51);
  }

  @Test
  void knowsValuesFromTables() {
    assertThat(Exponential.of(0)).isEqualTo(1);
    assertThat(Exponential.of(1)).isCloseTo(2.718281828459045, within(5e-16));
    assertThat(Exponential.of(-1)).isCloseTo(0.36787944117144233, within(6e-17));
    assertThat(Exponential.of(10)).isCloseTo(22026.465794806718, within(4e-12));
    assertThat(Exponential.of(-20)).isCloseTo(2.061153622438558e-9, within(5e-25));
  }

  @Test
  void goesOnBeyondNormalNumbers() {
    assertThat(Exponential.of(Double.NEGATIVE_INFINITY)).isZero();
    assertThat(Exponential.of(-1000)).isZero();
    assertThat(Exponential.of(-740)).isEqualTo(StrictMath.exp(-740)).isPositive();
    assertThat(Exponential.of(709.5)).isEqualTo(StrictMath.exp(709.5));
    assertThat(Exponential.of(Double.POSITIVE_INFINITY)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(Exponential.of(Double.NaN)).isNaN();
  }

  @Test
  void risesFromStepToStep() {
    double before = 0;
    for (int i = -2000; i <= 2000; i++) {
      double at =
          Exponential.of(
              i * 0.6931471805599453 / 128); // each is at an end of a step or in its middle
      assertThat(at).isGreaterThan(before);
      before = at;
    }
  }
}
