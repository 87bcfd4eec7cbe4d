package dev.mamba4j.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The operands of a layer in guarded memory, and what they held at first. */
final class LayerMemory implements AutoCloseable {
  final GuardedMemory guards = new GuardedMemory();
  final StateSpaceLayer layer;
  final Vectors projected;
  final MemorySegment taps;
  final float[] tapsBefore;
  final Vectors convolved;
  final float[] convolvedBefore;
  final MemorySegment state;
  final float[] stateBefore;
  final Vectors y;
  final float[] yBefore;

  /** Holds these inputs, zeros for states and nothing of note elsewhere. */
  LayerMemory(LayerFixture fixture, int rows, float[] inputs) {
    this(
        fixture,
        rows,
        inputs,
        new float[(fixture.convWidth() - 1) * fixture.channels()],
        new float[rows * fixture.channels()],
        new float[fixture.inner() * fixture.stateSize() + fixture.heads()],
        new float[rows * fixture.inner()]);
  }

  /** Holds numbers everywhere. */
  LayerMemory(LayerFixture fixture, int rows, Numbers numbers) {
    this(
        fixture,
        rows,
        numbers.floats(rows * fixture.projected()),
        numbers.floats((fixture.convWidth() - 1) * fixture.channels()),
        numbers.floats(rows * fixture.channels()),
        state(fixture, numbers),
        numbers.floats(rows * fixture.inner()));
  }

  /** Numbers, and factors of all sizes. */
  private static float[] state(LayerFixture fixture, Numbers numbers) {
    int values = fixture.inner() * fixture.stateSize();
    float[] state = numbers.floats(values + fixture.heads());
    for (int head = 0; head < fixture.heads(); head++) {
      state[values + head] = Math.scalb(1f, -numbers.below(33)); // 2^-32 is the smallest
    }
    return state;
  }

  /** Value n of a channel of x, the factor of its head taken into account. */
  static double stateValue(LayerFixture fixture, float[] state, int channel, int n) {
    int head = channel / fixture.headSize();
    float factor = state[fixture.inner() * fixture.stateSize() + head];
    return (factor == 0 ? 1 : factor) * (double) state[fixture.stateIndex(channel, n)];
  }

  private LayerMemory(
      LayerFixture fixture,
      int rows,
      float[] inputs,
      float[] tapsBefore,
      float[] convolvedBefore,
      float[] stateBefore,
      float[] yBefore) {
    this.tapsBefore = tapsBefore;
    this.convolvedBefore = convolvedBefore;
    this.stateBefore = stateBefore;
    this.yBefore = yBefore;
    layer = fixture.in(guards);
    projected = guards.inputVectors(rows, fixture.projected(), inputs);
    taps = guards.floats(tapsBefore);
    convolved = guards.vectors(rows, fixture.channels(), convolvedBefore);
    state = guards.floats(stateBefore);
    y = guards.vectors(rows, fixture.inner(), yBefore);
  }

  void convolve(Kernels kernels, int from, int to, int firstToken, int tokens) {
    kernels.convolve(layer, from, to, firstToken, tokens, projected, taps, convolved);
  }

  void scan(Kernels kernels, int fromHead, int toHead, int firstToken, int tokens) {
    kernels.scan(layer, fromHead, toHead, firstToken, tokens, projected, convolved, state, y);
  }

  static float[] floats(MemorySegment data) {
    return data.toArray(ValueLayout.JAVA_FLOAT);
  }

  @Override
  public void close() {
    guards.close();
  }
}
