package dev.mamba4j.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplingOptionsTest {
  @Test
  void hasTheDefaultsOfLlamaCpp() {
    assertThat(SamplingOptions.defaults())
        .isEqualTo(
            new SamplingOptions(0.8, 40, 0.95, 0.05, 1, 64, 0, 0, OptionalLong.empty(), Map.of()));
  }

  @Test
  void namesTheOptionThatIsOutOfRange() {
    assertRejected(options().temperature(-1), "temperature must be 0 or more, not -1.0");
    assertRejected(options().topK(-1), "topK must be 0 (off) or more, not -1");
    assertRejected(options().topP(1.5), "topP must be between 0 and 1, not 1.5");
    assertRejected(options().minP(-0.1), "minP must be between 0 and 1, not -0.1");
    assertRejected(options().repeatPenalty(0), "repeatPenalty must be more than 0, not 0.0");
    assertRejected(
        options().repeatLastN(-2),
        "repeatLastN must be -1 (the whole text), 0 (off) or more, not -2");
    assertRejected(
        options().presencePenalty(Double.POSITIVE_INFINITY),
        "presencePenalty must be a finite number, not Infinity");
    assertRejected(
        options().frequencyPenalty(Double.NEGATIVE_INFINITY),
        "frequencyPenalty must be a finite number, not -Infinity");
    assertRejected(
        options().logitBias(-3, 1), "logitBias must be for a token id of 0 or more, not -3");
    assertRejected(
        options().logitBias(7, Float.POSITIVE_INFINITY),
        "logitBias must be a number below infinity for token 7, not Infinity");
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void rejectsNumbersThatAreNone(double value) {
    assertThatThrownBy(() -> options().temperature(value).build())
        .hasMessageContaining("temperature");
    assertThatThrownBy(() -> options().topP(value).build()).hasMessageContaining("topP");
    assertThatThrownBy(() -> options().minP(value).build()).hasMessageContaining("minP");
    assertThatThrownBy(() -> options().repeatPenalty(value).build())
        .hasMessageContaining("repeatPenalty");
    assertThatThrownBy(() -> options().presencePenalty(value).build())
        .hasMessageContaining("presencePenalty");
    assertThatThrownBy(() -> options().frequencyPenalty(value).build())
        .hasMessageContaining("frequencyPenalty");
  }

  @Test
  void bansATokenWithABiasOfNegativeInfinity() {
    assertThat(options().ban(5).build().logitBias()).isEqualTo(Map.of(5, Float.NEGATIVE_INFINITY));
    assertThatThrownBy(() -> options().logitBias(5, Float.NaN).build())
        .hasMessage("logitBias must be a number below infinity for token 5, not NaN");
  }

  private static SamplingOptions.Builder options() {
    return SamplingOptions.builder();
  }

  private static void assertRejected(SamplingOptions.Builder builder, String message) {
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }
}
