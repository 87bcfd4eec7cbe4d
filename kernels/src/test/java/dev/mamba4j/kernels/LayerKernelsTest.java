package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What any implementation of {@link Kernels} computes between the two projections of a layer,
 * against {@link Equations}.
 */
abstract class LayerKernelsTest {
  /** Of the convolution, relative to the sum of its absolute terms. */
  private static final double CONVOLUTION_ERROR = 5e-7;

  /** Of the scan's outputs and state, relative to the sums of their absolute terms. */
  private static final double SCAN_ERROR = 1e-6;

  /** What each further token may add: the state is rounded to float32. */
  private static final double TOKEN_ERROR = 0x1p-24;

  abstract Kernels kernels();

  /** Expected are the results of the NumPy statements of {@code mamba2_reference.py} on them. */
  @Test
  void agreesWithTheReference() {
    LayerFixture fixture = LayerFixture.ofEighths();
    float[][] expected = {
      {
        0.00162804f, -0.02576082f, 0.06426171f, -0.02901409f,
        0.02618005f, 0.00512845f, -0.02589293f, -0.05499549f
      },
      {
        0.04617583f, -0.03951465f, 0.00601470f, 0.15292571f,
        -0.04384989f, 0.02626981f, -0.05116396f, -0.03614084f
      },
      {
        0.02646110f, -0.02581397f, 0.00438187f, -0.00231266f,
        -0.00503797f, -0.01823640f, -0.12104227f, 0.04144810f
      },
    };
    float[] expectedState = { // (channels, stateSize)
      -0.04883416f, -0.04045504f, 0.08391741f, -0.01252833f, -0.00144465f, 0.12237778f,
      0.04180612f, 0.03691479f, -0.10727306f, 0.07966993f, 0.08418528f, -0.02826720f
    };
    try (LayerMemory memory =
        new LayerMemory(fixture, 3, Numbers.eighths(7, 3 * fixture.projected()))) {
      memory.convolve(kernels(), 0, 20, 0, 3);
      memory.scan(kernels(), 0, 4, 0, 3);
      for (int t = 0; t < 3; t++) {
        float[] actual = new float[8];
        memory.y.read(t, actual);
        assertThat(actual).containsExactly(expected[t], within(1e-7f));
      }
      float[] state = LayerMemory.floats(memory.state);
      for (int i = 0; i < expectedState.length; i++) {
        assertThat(LayerMemory.stateValue(fixture, state, i / 3, i % 3))
            .isCloseTo(expectedState[i], within(1e-7));
      }
    }
  }

  @Test
  void convolvesAnyRangeOfChannels() {
    Numbers numbers = new Numbers(6);
    for (int width = 1; width <= 4; width++) {
      for (int headSize = 1; headSize <= 70; headSize += 3) {
        LayerFixture fixture = LayerFixture.random(numbers, 1, headSize, 1, 2, width);
        for (int i = 0; i < 4; i++) {
          int from = numbers.below(fixture.channels());
          checkConvolution(numbers, fixture, from, numbers.between(from, fixture.channels()));
        }
        checkConvolution(numbers, fixture, 0, fixture.channels());
      }
    }
  }

  private void checkConvolution(Numbers numbers, LayerFixture fixture, int from, int to) {
    int first = numbers.below(3);
    int tokens = numbers.between(1, 5);
    try (LayerMemory memory = new LayerMemory(fixture, first + tokens + 1, numbers)) {
      memory.convolve(kernels(), from, to, first, tokens);
      memory.guards.assertIntact();
      for (int channel = 0; channel < fixture.channels(); channel++) {
        int asked = channel >= from && channel < to ? tokens : 0;
        checkChannel(memory, fixture, channel, first, asked);
      }
    }
  }

  private static void checkChannel(
      LayerMemory memory, LayerFixture fixture, int channel, int first, int tokens) {
    int channels = fixture.channels();
    int past = fixture.convWidth() - 1;
    float[] inputs = new float[past + tokens];
    for (int i = 0; i < past; i++) {
      inputs[i] = memory.tapsBefore[i * channels + channel];
    }
    for (int t = 0; t < tokens; t++) {
      inputs[past + t] = memory.projected.get(first + t, fixture.inner() + channel);
    }
    for (int i = 0; i < past; i++) {
      assertThat(memory.taps.getAtIndex(ValueLayout.JAVA_FLOAT, (long) i * channels + channel))
          .isEqualTo(inputs[i + tokens]);
    }
    for (int row = 0; row < memory.convolved.rows(); row++) {
      float actual = memory.convolved.get(row, channel);
      int t = row - first;
      if (t >= 0 && t < tokens) {
        assertConvolved(fixture, channel, Arrays.copyOfRange(inputs, t, t + past + 1), actual);
      } else {
        assertThat(actual).isEqualTo(memory.convolvedBefore[row * channels + channel]);
      }
    }
  }

  private static void assertConvolved(
      LayerFixture fixture, int channel, float[] inputs, float actual) {
    ExactSum sum = Equations.convolution(inputs, fixture.taps(channel), fixture.convBias(channel));
    double tolerance = CONVOLUTION_ERROR * sum.magnitude();
    assertThat((double) actual)
        .as("channel %d of %d", channel, fixture.channels())
        .isCloseTo(Equations.silu(sum.value()), within(tolerance));
  }

  @Test
  void scansHeadsOfAnyShape() {
    Numbers numbers = new Numbers(7);
    for (int headSize : new int[] {1, 7, 16, 32, 64}) {
      for (int stateSize : new int[] {1, 5, 16, 64, 128}) {
        for (int groups : new int[] {1, 2, 8}) {
          int heads = groups * numbers.between(1, 3);
          int from = numbers.below(heads);
          int to = numbers.between(from, heads);
          LayerFixture fixture =
              LayerFixture.random(numbers, heads, headSize, groups, stateSize, 4);
          checkScan(numbers, fixture, from, to);
        }
      }
    }
  }

  private void checkScan(Numbers numbers, LayerFixture fixture, int from, int to) {
    int first = numbers.below(3);
    int tokens = numbers.between(1, fixture.stateSize() == 16 ? 70 : 5);
    try (LayerMemory memory = new LayerMemory(fixture, first + tokens + 1, numbers)) {
      memory.scan(kernels(), from, to, first, tokens);
      memory.guards.assertIntact();
      assertThat(LayerMemory.floats(memory.convolved.data()))
          .containsExactly(memory.convolvedBefore);
      for (int head = 0; head < fixture.heads(); head++) {
        int asked = head >= from && head < to ? tokens : 0;
        checkHead(memory, fixture, head, first, asked);
      }
    }
  }

  private static void checkHead(
      LayerMemory memory, LayerFixture fixture, int head, int first, int tokens) {
    int size = fixture.stateSize();
    float[] convolved = new float[fixture.channels()];
    float[] after = LayerMemory.floats(memory.state);
    double error = SCAN_ERROR + TOKEN_ERROR * tokens;
    for (int p = head * fixture.headSize(); p < (head + 1) * fixture.headSize(); p++) {
      ExactSum[] state = new ExactSum[size];
      for (int n = 0; n < size; n++) {
        state[n] = new ExactSum().add(LayerMemory.stateValue(fixture, memory.stateBefore, p, n));
      }
      for (int row = 0; row < memory.y.rows(); row++) {
        if (row < first || row >= first + tokens) {
          assertThat(memory.y.get(row, p)).isEqualTo(memory.yBefore[row * fixture.inner() + p]);
          continue;
        }
        memory.convolved.read(row, convolved);
        ExactSum expected =
            Equations.scanChannel(
                state,
                fixture.dt(memory.projected, row, head),
                fixture.a(head),
                fixture.d(head),
                convolved[p],
                fixture.b(convolved, head),
                fixture.c(convolved, head));
        new ExactSum()
            .add(Equations.silu(memory.projected.get(row, p)), expected)
            .assertNear(memory.y.get(row, p), error, "y of channel " + p);
      }
      for (int n = 0; n < size; n++) {
        double actual = LayerMemory.stateValue(fixture, after, p, n);
        state[n].assertNear(actual, tokens == 0 ? 0 : error, "state of channel " + p);
      }
    }
  }

  @Test
  void scansWithStepsOfAnySize() {
    Numbers numbers = new Numbers(8);
    float[] steps = {-1000, -100, -30, -5, 0, 5, 19.9f, 20.1f, 100, 1000};
    for (float step : steps) {
      LayerFixture fixture = LayerFixture.random(numbers, 1, 3, 1, 21, 2);
      float[] inputs = numbers.floats(3 * fixture.projected());
      inputs[2 * fixture.projected() - 1] = step;
      try (LayerMemory memory = new LayerMemory(fixture, 3, inputs)) {
        memory.convolve(kernels(), 0, fixture.channels(), 0, 3);
        memory.scan(kernels(), 0, 1, 0, 3);
        checkHead(memory, fixture, 0, 0, 3);
      }
    }
  }

  /** Decays from none at all to total, over more tokens than any block has. */
  @ParameterizedTest
  @ValueSource(floats = {-0.001f, -1, -16, -1000})
  void scansWithDecaysOfAnySize(float a) {
    Numbers numbers = new Numbers(12);
    float[] steps = {1e-6f, 1e-3f, 0.1f, 1, 50};
    for (float step : steps) {
      LayerFixture fixture = LayerFixture.random(numbers, 1, 16, 1, 16, 2).withA(a);
      int tokens = 75;
      float[] inputs = numbers.floats(tokens * fixture.projected());
      for (int t = 0; t < tokens; t++) {
        float dt = t % 9 == 5 ? steps[t / 9 % steps.length] : step;
        inputs[(t + 1) * fixture.projected() - 1] = (float) Math.log(Math.expm1(dt));
      }
      try (LayerMemory memory = new LayerMemory(fixture, tokens, inputs)) {
        memory.convolve(kernels(), 0, fixture.channels(), 0, tokens);
        memory.scan(kernels(), 0, 1, 0, tokens);
        checkHead(memory, fixture, 0, 0, tokens);
      }
    }
  }

  @Test
  void givesTheSameForTokensTogetherAndOneByOneAndHoweverHeadsAreShared() {
    Numbers numbers = new Numbers(9);
    int[][] shapes = {{6, 7, 2, 21}, {4, 64, 1, 128}, {4, 48, 4, 20}, {2, 16, 1, 300}};
    for (int[] shape : shapes) {
      for (int tokens : new int[] {2, 5, 31, 32, 33, 71}) {
        LayerFixture fixture =
            LayerFixture.random(numbers, shape[0], shape[1], shape[2], shape[3], 4);
        checkTogether(fixture, tokens, numbers);
      }
    }
  }

  private void checkTogether(LayerFixture fixture, int tokens, Numbers numbers) {
    float[] inputs = numbers.floats(tokens * fixture.projected());
    int channels = fixture.channels();
    try (LayerMemory together = new LayerMemory(fixture, tokens, inputs);
        LayerMemory apart = new LayerMemory(fixture, tokens, inputs)) {
      together.convolve(kernels(), 0, channels, 0, tokens);
      together.scan(kernels(), 0, fixture.heads(), 0, tokens);
      for (int t = 0; t < tokens; t++) {
        for (int from = 0; from < channels; from += Kernels.CHANNEL_STEP) {
          int to = Math.min(from + Kernels.CHANNEL_STEP, channels);
          apart.convolve(kernels(), from, to, t, 1);
        }
        for (int head = fixture.heads() - 1; head >= 0; head--) {
          apart.scan(kernels(), head, head + 1, t, 1);
        }
      }
      assertSame(apart.taps, together.taps);
      assertSame(apart.convolved.data(), together.convolved.data());
      assertSame(apart.state, together.state);
      assertSame(apart.y.data(), together.y.data());
    }
  }

  private static void assertSame(MemorySegment actual, MemorySegment expected) {
    assertThat(LayerMemory.floats(actual)).containsExactly(LayerMemory.floats(expected));
  }

  @Test
  void refusesRangesThatDoNotFit() {
    Numbers numbers = new Numbers(10);
    LayerFixture fixture = LayerFixture.random(numbers, 2, 4, 1, 8, 4);
    try (LayerMemory memory = new LayerMemory(fixture, 3, numbers)) {
      int channels = fixture.channels();
      assertRefuses(() -> memory.convolve(kernels(), 0, channels + 1, 0, 3));
      assertRefuses(() -> memory.convolve(kernels(), -1, channels, 0, 3));
      assertRefuses(() -> memory.convolve(kernels(), 0, channels, 1, 3));
      assertRefuses(() -> memory.convolve(kernels(), 0, channels, -1, 3));
      assertRefuses(() -> memory.convolve(kernels(), 0, channels, 2, -1));
      assertRefuses(() -> memory.scan(kernels(), 0, 3, 0, 3));
      assertRefuses(() -> memory.scan(kernels(), -1, 2, 0, 3));
      assertRefuses(() -> memory.scan(kernels(), 0, 2, 1, 3));
      assertRefuses(() -> memory.scan(kernels(), 0, 2, -1, 3));
      memory.guards.assertIntact();
      assertThat(LayerMemory.floats(memory.y.data())).containsExactly(memory.yBefore);
      assertThat(LayerMemory.floats(memory.state)).containsExactly(memory.stateBefore);
      assertThat(LayerMemory.floats(memory.taps)).containsExactly(memory.tapsBefore);
    }
  }

  @Test
  void refusesOperandsOfAnotherShape() {
    Numbers numbers = new Numbers(11);
    LayerFixture fixture = LayerFixture.random(numbers, 2, 4, 1, 8, 4);
    LayerFixture other = LayerFixture.random(numbers, 4, 4, 1, 8, 3);
    try (LayerMemory one = new LayerMemory(fixture, 2, numbers);
        LayerMemory two = new LayerMemory(other, 2, numbers)) {
      Kernels k = kernels();
      assertRefuses(
          () -> k.convolve(one.layer, 0, 8, 0, 2, two.projected, one.taps, one.convolved));
      assertRefuses(
          () -> k.convolve(one.layer, 0, 8, 0, 2, one.projected, two.taps, one.convolved));
      assertRefuses(
          () -> k.convolve(one.layer, 0, 8, 0, 2, one.projected, one.taps, two.convolved));
      assertRefuses(
          () -> k.scan(one.layer, 0, 2, 0, 2, two.projected, one.convolved, one.state, one.y));
      assertRefuses(
          () -> k.scan(one.layer, 0, 2, 0, 2, one.projected, two.convolved, one.state, one.y));
      assertRefuses(
          () -> k.scan(one.layer, 0, 2, 0, 2, one.projected, one.convolved, two.state, one.y));
      assertRefuses(
          () -> k.scan(one.layer, 0, 2, 0, 2, one.projected, one.convolved, one.state, two.y));
      one.guards.assertIntact();
      two.guards.assertIntact();
    }
  }

  private static void assertRefuses(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfAny(IllegalArgumentException.class, IndexOutOfBoundsException.class);
  }
}
