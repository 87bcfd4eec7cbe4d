package dev.mamba4j.compress.gptq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The factor against its definition, and what feedback gains against sums over the inputs. */
class FeedbackTest {
  private static final int COLUMNS = 256;
  private static final int ROWS = 20; // more than go together, and not a multiple

  @Test
  void theFactorIsThatOfTheInverse() {
    int size = 40;
    float[][] h = products(inputs(200, size, 1));
    float[][] u = copy(h);
    InverseFactor.of(u, 0);
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) {
        double sum = 0; // of Uᵀ U H, which is the identity
        for (int k = 0; k < size; k++) {
          double inverse = 0;
          for (int m = 0; m < size; m++) {
            inverse += (double) u[m][i] * u[m][k];
          }
          sum += inverse * h[k][j];
        }
        assertThat(sum).isCloseTo(i == j ? 1 : 0, within(2e-2));
        assertThat(i <= j || u[i][j] == 0).isTrue();
      }
    }
  }

  @Test
  void inputsThatAreAlwaysZeroDoNoHarm() {
    float[][] h = new float[COLUMNS][COLUMNS];
    h[3][3] = 1;
    InverseFactor.of(h, 0.01);
    assertThat(h[3][3]).isPositive().isFinite();
    assertThat(h[4][4]).isPositive().isFinite();
  }

  /** The squared error of the outputs falls by a quarter at least where inputs are correlated. */
  @ParameterizedTest
  @EnumSource(names = {"Q2_K", "Q3_K", "Q4_K", "Q4_0", "IQ4_XS"})
  void outputsAreNearerThanWithRoundingToNearest(TensorType type) {
    float[][] x = inputs(1000, COLUMNS, 2);
    float[] weights = new float[ROWS * COLUMNS];
    Random random = new Random(3);
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
    }
    MemorySegment nearest = encoded(type);
    type.encode(weights, 0, nearest, 0, weights.length);
    MemorySegment feedback = encoded(type);
    float[][] factor = products(x);
    InverseFactor.of(factor, 0.01);
    new FeedbackRows(type, factor).encode(weights.clone(), weights.length, feedback);
    assertThat(outputError(x, weights, type, feedback))
        .isLessThan(0.75 * outputError(x, weights, type, nearest));
  }

  private static MemorySegment encoded(TensorType type) {
    return MemorySegment.ofArray(new byte[(int) type.byteSize(ROWS * COLUMNS)]);
  }

  /** Inputs that eight hidden causes and some noise make. */
  private static float[][] inputs(int count, int columns, int seed) {
    Random random = new Random(seed);
    float[][] mix = new float[8][columns];
    for (float[] cause : mix) {
      for (int i = 0; i < columns; i++) {
        cause[i] = (float) random.nextGaussian();
      }
    }
    float[][] x = new float[count][columns];
    for (float[] row : x) {
      for (int i = 0; i < columns; i++) {
        row[i] = 0.5f * (float) random.nextGaussian();
      }
      for (float[] cause : mix) {
        float strength = (float) random.nextGaussian();
        for (int i = 0; i < columns; i++) {
          row[i] += strength * cause[i];
        }
      }
    }
    return x;
  }

  private static float[][] products(float[][] x) {
    int columns = x[0].length;
    float[][] h = new float[columns][columns];
    for (float[] row : x) {
      for (int i = 0; i < columns; i++) {
        for (int j = 0; j < columns; j++) {
          h[i][j] += row[i] * row[j];
        }
      }
    }
    return h;
  }

  private static float[][] copy(float[][] h) {
    return Arrays.stream(h).map(float[]::clone).toArray(float[][]::new);
  }

  private static double outputError(
      float[][] x, float[] weights, TensorType type, MemorySegment bytes) {
    float[] decoded = new float[weights.length];
    type.decode(bytes, 0, decoded, 0, decoded.length);
    double sum = 0;
    for (float[] input : x) {
      for (int row = 0; row < ROWS; row++) {
        double error = 0;
        for (int i = 0; i < COLUMNS; i++) {
          error += input[i] * (double) (weights[row * COLUMNS + i] - decoded[row * COLUMNS + i]);
        }
        sum += error * error;
      }
    }
    return sum;
  }
}
