package dev.mamba4j.evaluate.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class AxisTest {
  @Test
  void ticksAreWholeSteps() {
    Axis axis = Axis.fromZero("speed", List.of(5.4, 16.1));
    assertThat(axis.ticks()).containsExactly(0.0, 5.0, 10.0, 15.0, 20.0);
    assertThat(axis.ticks().stream().map(axis::label)).containsExactly("0", "5", "10", "15", "20");
    Axis small = Axis.fromZero("time", List.of(0.043));
    assertThat(small.ticks()).containsExactly(0.0, 0.01, 0.02, 0.03, 0.04, 0.05);
    assertThat(small.label(0.04)).isEqualTo("0.04");
    assertThat(Axis.fromZero("speed", List.of(5428.0)).label(2000)).isEqualTo("2000");
  }

  @Test
  void anAxisHoldsItsValuesAndSomeRoom() {
    Axis axis = Axis.around("accuracy", List.of(61.2, 64.9));
    assertThat(axis.low()).isLessThan(61.2).isGreaterThan(59);
    assertThat(axis.high()).isGreaterThan(64.9).isLessThan(67);
    assertThat(axis.ticks()).hasSizeBetween(4, 8);
    assertThat(Axis.around("size", List.of(0.1, 5.0)).low()).isZero();
    assertThat(Axis.around("increase", List.of(-0.4, 2.0)).low()).isEqualTo(-1);
  }

  @Test
  void oneValueHasAnAxisToo() {
    for (double value : new double[] {0, 1e-7, 3, 1e9}) {
      Axis axis = Axis.around("anything", List.of(value));
      assertThat(axis.high()).isGreaterThan(axis.low());
      assertThat(axis.at(value)).isBetween(0.0, 1.0);
    }
    assertThat(Axis.fromZero("nothing", List.of(0.0)).high()).isEqualTo(1);
  }

  @Test
  void logarithmsAreTickedAtOneTwoFive() {
    Axis axis = Axis.logarithmic("divergence", List.of(0.0021, 0.027));
    assertThat(axis.ticks()).containsExactly(0.002, 0.005, 0.01, 0.02, 0.05);
    assertThat(axis.ticks().stream().map(axis::label))
        .containsExactly("0.002", "0.005", "0.01", "0.02", "0.05");
    assertThat(axis.at(0.01)).isCloseTo(Math.log(5) / Math.log(25), within(1e-9));
    Axis wide = Axis.logarithmic("divergence", List.of(2e-5, 0.09));
    assertThat(wide.ticks()).containsExactly(1e-5, 1e-4, 1e-3, 0.01, 0.1);
    assertThat(wide.label(1e-5)).isEqualTo("1e-5");
    assertThat(Axis.logarithmic("one", List.of(0.01)).ticks()).hasSizeGreaterThan(1);
  }
}
