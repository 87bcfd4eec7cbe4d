package dev.mamba4j.formats.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** F16 and BF16, all 65536 patterns, against the arithmetic of IEEE 754 in double precision. */
class HalfPrecisionTest {
  private static final int PATTERNS = 1 << 16;

  /** Type, bits of the fraction, bias of the exponent. */
  static Stream<Arguments> types() {
    return Stream.of(Arguments.of(TensorType.F16, 10, 15), Arguments.of(TensorType.BF16, 7, 127));
  }

  @ParameterizedTest
  @MethodSource("types")
  void decodesEveryPattern(TensorType type, int fractionBits, int bias) {
    float[] decoded = decodeAll(type);
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
      double expected = value(pattern, fractionBits, bias);
      // As objects: NaN equals NaN, and 0 is not -0.
      assertThat((Double) (double) decoded[pattern])
          .as("pattern %04x", pattern)
          .isEqualTo((Double) expected);
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void encodesEveryPatternBack(TensorType type, int fractionBits, int bias) {
    short[] encoded = encode(type, decodeAll(type));
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
      if (Double.isNaN(value(pattern, fractionBits, bias))) {
        assertThat(value(encoded[pattern] & 0xffff, fractionBits, bias)).isNaN();
      } else {
        assertThat(encoded[pattern] & 0xffff).isEqualTo(pattern);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void roundsToNearestAndTiesToEven(TensorType type, int fractionBits, int bias) {
    int infinity = ((1 << (15 - fractionBits)) - 1) << fractionBits;
    for (int lower = 0; lower < infinity; lower++) {
      // What would follow the largest number is where infinity begins to be nearer.
      double next =
          lower + 1 < infinity
              ? value(lower + 1, fractionBits, bias)
              : 2 * value(lower, fractionBits, bias) - value(lower - 1, fractionBits, bias);
      double middle = (value(lower, fractionBits, bias) + next) / 2;
      float tie = (float) middle;
      assertThat((double) tie).isEqualTo(middle);
      int even = lower % 2 == 0 ? lower : lower + 1;
      float[] values = {Math.nextDown(tie), tie, Math.nextUp(tie), -tie};
      assertThat(encode(type, values))
          .as("around %s", tie)
          .containsExactly(
              (short) lower, (short) even, (short) (lower + 1), (short) (even | 0x8000));
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void keepsNaNsThatTruncationWouldMakeInfinite(TensorType type, int fractionBits, int bias) {
    float[] values = {Float.intBitsToFloat(0x7f800001), Float.intBitsToFloat(0xff800001)};
    for (short pattern : encode(type, values)) {
      assertThat(value(pattern & 0xffff, fractionBits, bias)).isNaN();
    }
  }

  private static double value(int pattern, int fractionBits, int bias) {
    int exponentBits = 15 - fractionBits;
    int fraction = pattern & ((1 << fractionBits) - 1);
    int exponent = (pattern >> fractionBits) & ((1 << exponentBits) - 1);
    double sign = pattern >> 15 == 0 ? 1 : -1;
    if (exponent == (1 << exponentBits) - 1) {
      return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    if (exponent == 0) {
      return sign * Math.scalb((double) fraction, 1 - bias - fractionBits);
    }
    return sign
        * Math.scalb((double) ((1 << fractionBits) + fraction), exponent - bias - fractionBits);
  }

  private static float[] decodeAll(TensorType type) {
    short[] patterns = new short[PATTERNS];
    for (int i = 0; i < PATTERNS; i++) {
      patterns[i] = (short) i;
    }
    float[] decoded = new float[PATTERNS];
    type.decode(MemorySegment.ofArray(patterns), 0, decoded, 0, PATTERNS);
    return decoded;
  }

  private static short[] encode(TensorType type, float[] values) {
    MemorySegment encoded = MemorySegment.ofArray(new byte[2 * values.length]);
    type.encode(values, 0, encoded, 0, values.length);
    return encoded.toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
  }
}
