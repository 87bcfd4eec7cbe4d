package dev.mamba4j.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * The part of a Mamba-2 layer between its two projections: shape and float32 parameters.
 *
 * <p>The projected vector of a token is {@code z (inner) | x (inner) | B (groups × stateSize) | C
 * (groups × stateSize) | dt (heads)}; x, B and C are the channels of the convolution.
 *
 * @param heads number of heads
 * @param headSize channels of x in a head; inner = heads × headSize
 * @param groups how many pairs of B and C there are; a group serves heads / groups heads
 * @param stateSize state values of each channel
 * @param convWidth taps of the convolution
 * @param convWeight (convWidth, channels), the last tap belongs to the current token
 * @param convBias (channels)
 * @param dtBias (heads)
 * @param a (heads), negative
 * @param d (heads)
 */
public record StateSpaceLayer(
    int heads,
    int headSize,
    int groups,
    int stateSize,
    int convWidth,
    MemorySegment convWeight,
    MemorySegment convBias,
    MemorySegment dtBias,
    MemorySegment a,
    MemorySegment d) {

  /** Checks every size. */
  public StateSpaceLayer {
    if (heads < 1 || headSize < 1 || groups < 1 || heads % groups != 0 || stateSize < 1) {
      throw new IllegalArgumentException(
          heads + " heads of " + headSize + " in " + groups + " groups, state " + stateSize);
    }
    if (convWidth < 1) {
      throw new IllegalArgumentException("convolution of " + convWidth + " taps");
    }
    long inner = (long) heads * headSize;
    long channels = inner + 2L * groups * stateSize;
    if (channels < 0 || channels > Integer.MAX_VALUE - inner - heads) {
      throw new IllegalArgumentException(
          heads + " heads of " + headSize + " in " + groups + " groups are too many channels");
    }
    check("convolution weight", convWeight, convWidth * channels);
    check("convolution bias", convBias, channels);
    check("dt bias", dtBias, heads);
    check("A", a, heads);
    check("D", d, heads);
  }

  /** Channels of x and z. */
  public int inner() {
    return heads * headSize;
  }

  /** Channels of the convolution. */
  public int channels() {
    return inner() + 2 * groups * stateSize;
  }

  /** Length of the projected vector. */
  public int projected() {
    return inner() + channels() + heads;
  }

  /** Floats of the convolution's state: (convWidth - 1, channels), oldest first. */
  public long convStateSize() {
    return (long) (convWidth - 1) * channels();
  }

  /**
   * Floats of the recurrent state: (heads, stateSize, headSize), the channels of a head side by
   * side, and behind them a factor of each head, (heads). The state is the factor times the values;
   * a factor of 0 stands for 1, so that zeros are a state that has read nothing.
   */
  public long scanStateSize() {
    return (long) inner() * stateSize + heads;
  }

  /**
   * Turns (channels, convWidth), as files have it, into (convWidth, channels), so that channels lie
   * side by side.
   */
  public static MemorySegment transposeConvWeight(
      Arena arena, MemorySegment weight, int channels, int convWidth) {
    MemorySegment result = arena.allocate(4L * channels * convWidth, 64);
    for (int channel = 0; channel < channels; channel++) {
      for (int tap = 0; tap < convWidth; tap++) {
        float value =
            weight.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * (channel * convWidth + tap));
        result.setAtIndex(ValueLayout.JAVA_FLOAT, (long) tap * channels + channel, value);
      }
    }
    return result;
  }

  /** Checks that a convolution stays within its operands. */
  void checkConvolution(
      int from,
      int to,
      int firstToken,
      int tokens,
      Vectors input,
      MemorySegment state,
      Vectors output) {
    Objects.checkFromToIndex(from, to, channels());
    Objects.checkFromIndexSize(firstToken, tokens, Math.min(input.rows(), output.rows()));
    check("projected vector", input.columns(), projected());
    check("convolved vector", output.columns(), channels());
    check("state of the convolution", state, convStateSize());
  }

  /** Checks that a scan stays within its operands. */
  void checkScan(
      int fromHead,
      int toHead,
      int firstToken,
      int tokens,
      Vectors input,
      Vectors convolved,
      MemorySegment state,
      Vectors y) {
    Objects.checkFromToIndex(fromHead, toHead, heads);
    int rows = Math.min(y.rows(), Math.min(input.rows(), convolved.rows()));
    Objects.checkFromIndexSize(firstToken, tokens, rows);
    check("projected vector", input.columns(), projected());
    check("convolved vector", convolved.columns(), channels());
    check("output vector", y.columns(), inner());
    check("state", state, scanStateSize());
  }

  private static void check(String name, int columns, int expected) {
    if (columns != expected) {
      throw new IllegalArgumentException(name + " has " + expected + " values, given " + columns);
    }
  }

  private static void check(String name, MemorySegment data, long floats) {
    if (data.byteSize() != 4 * floats || !data.isNative()) {
      throw new IllegalArgumentException(name + " takes " + floats + " floats, given " + data);
    }
  }
}
