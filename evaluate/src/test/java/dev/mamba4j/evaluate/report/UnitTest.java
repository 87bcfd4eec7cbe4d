package dev.mamba4j.evaluate.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnitTest {
  @ParameterizedTest
  @CsvSource({
    "BYTES,4071904,4.07 MB",
    "BYTES,2881234567,2.88 GB",
    "BYTES,999999,1.00 MB",
    "BYTES,12,12 B",
    "COUNT,2376,2376",
    "PLAIN,8.6632,8.66",
    "PLAIN,0.002104,0.00210",
    "PLAIN,0.0000314,3.14e-5",
    "PLAIN,0,0",
    "PLAIN,5428.123,5428",
    "FINE,19.63249,19.632",
    "PERCENT,0.8123,81.2 %",
    "CHANGE,0.01242,+1.24 %",
    "CHANGE,-0.0001,-0.01 %",
    "SECONDS,0.4181,0.418 s",
    "TOKENS_PER_SECOND,13.0412,13.0 tok/s",
    "JOULES,0.82,0.820 J"
  })
  void writesWithTheDigitsThatCount(Unit unit, double value, String text) {
    assertThat(unit.text(value)).isEqualTo(text);
  }
}
