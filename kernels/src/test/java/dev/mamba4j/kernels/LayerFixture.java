package dev.mamba4j.kernels;

import java.util.Arrays;
import java.util.PrimitiveIterator;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * The parameters of a small layer as arrays, for the equations, and in native memory, for the
 * kernels.
 */
final class LayerFixture {
  private final int heads;
  private final int headSize;
  private final int groups;
  private final int stateSize;
  private final int convWidth;
  private final float[] convWeight; // (convWidth, channels)
  private final float[] convBias; // (channels)
  private final float[] dtBias; // (heads)
  private final float[] a; // (heads), negative
  private final float[] d; // (heads)

  private LayerFixture(
      int heads, int headSize, int groups, int stateSize, int convWidth, IntFunction<float[]> any) {
    this.heads = heads;
    this.headSize = headSize;
    this.groups = groups;
    this.stateSize = stateSize;
    this.convWidth = convWidth;
    convWeight = any.apply(convWidth * channels());
    convBias = any.apply(channels());
    dtBias = any.apply(heads);
    a = any.apply(heads);
    d = any.apply(heads);
    for (int head = 0; head < heads; head++) {
      a[head] = -(1 + Math.abs(a[head]));
    }
  }

  static LayerFixture random(
      Numbers numbers, int heads, int headSize, int groups, int stateSize, int convWidth) {
    return new LayerFixture(heads, headSize, groups, stateSize, convWidth, numbers::floats);
  }

  /** 4 heads of 2 channels, 2 groups, state 3 and 3 taps; the numbers are of seeds 1 to 5. */
  static LayerFixture ofEighths() {
    PrimitiveIterator.OfInt seeds = IntStream.rangeClosed(1, 5).iterator();
    return new LayerFixture(4, 2, 2, 3, 3, count -> Numbers.eighths(seeds.nextInt(), count));
  }

  /** All heads with this A, and no bias of dt. */
  LayerFixture withA(float value) {
    Arrays.fill(a, value);
    Arrays.fill(dtBias, 0);
    return this;
  }

  StateSpaceLayer in(GuardedMemory memory) {
    return new StateSpaceLayer(
        heads,
        headSize,
        groups,
        stateSize,
        convWidth,
        memory.input(convWeight),
        memory.input(convBias),
        memory.input(dtBias),
        memory.input(a),
        memory.input(d));
  }

  int heads() {
    return heads;
  }

  int headSize() {
    return headSize;
  }

  int stateSize() {
    return stateSize;
  }

  int convWidth() {
    return convWidth;
  }

  int inner() {
    return heads * headSize;
  }

  int channels() {
    return inner() + 2 * groups * stateSize;
  }

  int projected() {
    return inner() + channels() + heads;
  }

  float convBias(int channel) {
    return convBias[channel];
  }

  float a(int head) {
    return a[head];
  }

  float d(int head) {
    return d[head];
  }

  /** Where the state (heads, stateSize, headSize) has value n of a channel of x. */
  int stateIndex(int channel, int n) {
    return (channel / headSize * stateSize + n) * headSize + channel % headSize;
  }

  /** The weights of one channel, the oldest tap first. */
  float[] taps(int channel) {
    float[] taps = new float[convWidth];
    for (int tap = 0; tap < convWidth; tap++) {
      taps[tap] = convWeight[tap * channels() + channel];
    }
    return taps;
  }

  /** B of the group that a head belongs to, from the convolved vector of a token. */
  float[] b(float[] convolved, int head) {
    int from = inner() + head / (heads / groups) * stateSize;
    return Arrays.copyOfRange(convolved, from, from + stateSize);
  }

  /** C of the group that a head belongs to, from the convolved vector of a token. */
  float[] c(float[] convolved, int head) {
    int from = inner() + (groups + head / (heads / groups)) * stateSize;
    return Arrays.copyOfRange(convolved, from, from + stateSize);
  }

  /** The step of a head for a token. */
  double dt(Vectors projected, int token, int head) {
    return Equations.softplus(
        (double) projected.get(token, inner() + channels() + head) + dtBias[head]);
  }
}
