package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** The bounds that the comments in C state, and numbers at the ends of ranges. */
@ParameterizedClass(allowZeroInvocations = true)
@MethodSource("dev.mamba4j.kernels.NativeSets#kernels")
class NativePrecisionTest {
  /** In units in the last place, as operations.h documents it. */
  private static final double SILU_ERROR = 3;

  /** From one number tried to the next, in units in the last place: a prime, so all bits vary. */
  private static final int STRIDE = 7919;

  @Parameter Kernels kernels;

  @Test
  void siluIsAsNearAsDocumented() {
    assertSilu(0, 1000);
    assertSilu(-0.0f, -87);
  }

  private void assertSilu(float first, float last) {
    float[] x = new float[(bits(last) - bits(first)) / STRIDE];
    for (int i = 0; i < x.length; i++) {
      x[i] = Float.intBitsToFloat(bits(first) + i * STRIDE);
    }
    float[] y = silu(x);
    for (int i = 0; i < x.length; i++) {
      double exact = Equations.silu(x[i]);
      if (!(Math.abs(y[i] - exact) <= SILU_ERROR * Math.ulp((float) exact))) {
        fail("silu(%s) is %s, expected %s", x[i], y[i], exact);
      }
    }
  }

  @Test
  void siluVanishesFarBelowZeroAndIsTheIdentityFarAbove() {
    for (float y : silu(-87.5f, -88, -89, -1000, -1e30f, -Float.MAX_VALUE)) {
      assertThat(y).isBetween(-1e-36f, 0f);
    }
    float[] large = {88, 89, 1000, 1e30f, Float.MAX_VALUE};
    assertThat(silu(large)).containsExactly(large);
    assertThat(silu(Float.NaN)).containsExactly(Float.NaN);
  }

  /** A convolution of one tap with weight 1 is SiLU alone. */
  private float[] silu(float... x) {
    try (Arena arena = Arena.ofConfined()) {
      int count = x.length;
      float[] ones = new float[count + 2];
      Arrays.fill(ones, 1);
      StateSpaceLayer layer =
          new StateSpaceLayer(
              1,
              count,
              1,
              1,
              1,
              arena.allocateFrom(ValueLayout.JAVA_FLOAT, ones),
              arena.allocate(4L * count + 8),
              arena.allocate(4),
              arena.allocate(4),
              arena.allocate(4));
      Vectors projected = Vectors.allocate(arena, 1, layer.projected());
      MemorySegment.copy(x, 0, projected.data(), ValueLayout.JAVA_FLOAT, 4L * count, count);
      Vectors convolved = Vectors.allocate(arena, 1, layer.channels());
      MemorySegment none = arena.allocate(0);
      kernels.convolve(layer, 0, layer.channels(), 0, 1, projected, none, convolved);
      return Arrays.copyOf(LayerMemory.floats(convolved.data()), count);
    }
  }

  @Test
  void softplusAndDecayAreTheNearestFloatsOrNextToThem() {
    float[] steps = new float[4000];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = (i - 2000) / 16f;
    }
    try (Arena arena = Arena.ofConfined()) {
      int heads = steps.length;
      // One channel and one state value a head, x = B = C = 1 and D = 0: y = dt * silu(z).
      float[] a = new float[heads];
      for (int i = 0; i < heads; i++) {
        a[i] = -i / 64f;
      }
      MemorySegment zeros = arena.allocate(4L * heads + 8);
      StateSpaceLayer layer =
          new StateSpaceLayer(
              heads,
              1,
              1,
              1,
              1,
              zeros,
              zeros,
              zeros.asSlice(0, 4L * heads),
              arena.allocateFrom(ValueLayout.JAVA_FLOAT, a),
              zeros.asSlice(0, 4L * heads));
      Vectors projected = Vectors.allocate(arena, 1, layer.projected());
      Vectors convolved = Vectors.allocate(arena, 1, layer.channels());
      Vectors y = Vectors.allocate(arena, 1, heads);
      MemorySegment state = arena.allocate(4 * layer.scanStateSize());
      for (int i = 0; i < layer.channels(); i++) {
        convolved.set(0, i, 1);
      }
      for (int i = 0; i < heads; i++) {
        projected.set(0, i, 128); // silu(128) is 128
        projected.set(0, heads + layer.channels() + i, steps[i]);
      }
      kernels.scan(layer, 0, heads, 0, 1, projected, convolved, state, y);
      for (int i = 0; i < heads; i++) {
        float dt = (float) Equations.softplus(steps[i]);
        assertNext(y.get(0, i) / 128, dt, "softplus(" + steps[i] + ")");
      }
      // Steps of 32 are their own softplus; without x and with a state of 1 the decay is left.
      for (int i = 0; i < heads; i++) {
        convolved.set(0, i, 0);
        projected.set(0, heads + layer.channels() + i, 32);
        state.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
        state.setAtIndex(ValueLayout.JAVA_FLOAT, heads + i, 1);
      }
      kernels.scan(layer, 0, heads, 0, 1, projected, convolved, state, y);
      for (int i = 0; i < heads; i++) {
        float decay = (float) Math.exp(32.0 * a[i]);
        float value = state.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        float factor = state.getAtIndex(ValueLayout.JAVA_FLOAT, heads + i);
        assertNext(value * factor, decay, "exp(" + 32 * a[i] + ")");
      }
    }
  }

  private static void assertNext(float actual, float expected, String what) {
    if (!(Math.abs(actual - expected) <= Math.ulp(expected))) {
      fail("%s is %s, expected %s", what, actual, expected);
    }
  }

  @Test
  void quantizesJustAsTheOracle() {
    Random random = new Random(1);
    for (int block : new int[] {32, 48, 64, 256}) {
      float[] values = new float[12 * block];
      for (int i = 0; i < values.length; i++) {
        values[i] = (random.nextFloat() - 0.5f) * Math.scalb(1f, i / block * 24 - 130);
      }
      values[3] = Float.NaN;
      values[block + 5] = Float.POSITIVE_INFINITY;
      values[2 * block + 7] = Float.NEGATIVE_INFINITY;
      Arrays.fill(values, 3 * block, 4 * block, -0.0f);
      try (Arena arena = Arena.ofConfined()) {
        Activations expected = quantized(arena, values, block, new ScalarKernels());
        Activations actual = quantized(arena, values, block, kernels);
        assertThat(actual.quants().mismatch(expected.quants())).isEqualTo(-1);
        assertThat(actual.sums().mismatch(expected.sums())).isEqualTo(-1);
        assertThat(LayerMemory.floats(actual.scales()))
            .containsExactly(LayerMemory.floats(expected.scales()));
      }
    }
  }

  private static Activations quantized(Arena arena, float[] values, int block, Kernels by) {
    Activations x = Activations.allocate(arena, 1, values.length).withBlock(block);
    x.values().write(0, values);
    by.quantize(x, 0);
    return x;
  }

  /** Sums of 16 bits would overflow first where all products are the largest that there are. */
  @Test
  void multipliesTheLargestWeightsWithTheLargestActivations() {
    for (TensorType type : TensorType.values()) {
      if (type.canDecode() && type.blockSize() > 1) {
        for (byte weights : new byte[] {-128, -1, 0, 127}) {
          checkProductOfEqualNumbers(type, weights, -1);
          checkProductOfEqualNumbers(type, weights, 1);
        }
      }
    }
  }

  private void checkProductOfEqualNumbers(TensorType type, byte weights, float activation) {
    float[] values = new float[256];
    Arrays.fill(values, activation);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(type.byteSize(values.length));
      Numbers.fillBlocks(type, data, weights);
      float[] decoded = new float[values.length];
      type.decode(data, 0, decoded, 0, decoded.length);
      int block = new ScalarKernels().activationBlock(type);
      Activations x = quantized(arena, values, block, kernels);
      Vectors y = Vectors.allocate(arena, 1, 1);
      kernels.multiply(new Matrix(type, 1, values.length, data), 0, 1, x, 1, y);
      double input = activation * 127 * (double) x.scales().get(ValueLayout.JAVA_FLOAT, 0);
      ExactSum expected = new ExactSum();
      for (float weight : decoded) {
        expected.add(weight * input);
      }
      expected.assertNear(y.get(0, 0), 1e-6, type + " of bytes " + weights);
    }
  }

  private static int bits(float value) {
    return Float.floatToRawIntBits(value);
  }
}
