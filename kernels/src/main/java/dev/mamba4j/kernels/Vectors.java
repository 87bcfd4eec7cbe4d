package dev.mamba4j.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * Float32 vectors one behind the other in native memory, one for each token: (rows, columns).
 *
 * @param rows how many vectors there is room for
 * @param columns values in a vector
 * @param data native memory of rows × columns floats
 */
public record Vectors(int rows, int columns, MemorySegment data) {
  private static final long CACHE_LINE = 64;

  /** Checks that the memory holds just the values. */
  public Vectors {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(rows + " vectors of " + columns + " floats");
    }
    if (data.byteSize() != 4L * rows * columns || !data.isNative()) {
      throw new IllegalArgumentException(
          rows + " vectors of " + columns + " floats do not fill " + data);
    }
  }

  /** Vectors of zeros. */
  public static Vectors allocate(Arena arena, int rows, int columns) {
    long size = Math.multiplyExact(4L * rows, (long) columns);
    return new Vectors(rows, columns, arena.allocate(size, CACHE_LINE));
  }

  /** One value. */
  public float get(int row, int column) {
    return data.getAtIndex(ValueLayout.JAVA_FLOAT, index(row, column));
  }

  /** Sets one value. */
  public void set(int row, int column, float value) {
    data.setAtIndex(ValueLayout.JAVA_FLOAT, index(row, column), value);
  }

  /** Copies a whole vector out. */
  public void read(int row, float[] target) {
    MemorySegment.copy(data, ValueLayout.JAVA_FLOAT, 4 * index(row, 0), target, 0, columns);
  }

  /** Copies a whole vector in. */
  public void write(int row, float[] source) {
    MemorySegment.copy(source, 0, data, ValueLayout.JAVA_FLOAT, 4 * index(row, 0), columns);
  }

  /** Copies a whole vector from another block of vectors as long. */
  public void copy(int row, Vectors source, int sourceRow) {
    if (source.columns != columns) {
      throw new IllegalArgumentException("vectors of " + source.columns + " and of " + columns);
    }
    MemorySegment.copy(
        source.data, 4 * source.index(sourceRow, 0), data, 4 * index(row, 0), 4L * columns);
  }

  /**
   * Cuts off what is larger than a limit: values [from, to) of a vector come to lie in [-limit,
   * limit]. What is no number stays so. One loop for all kernels, so that all give the same.
   */
  public void clamp(int row, int from, int to, float limit) {
    Objects.checkFromToIndex(from, to, columns);
    long first = index(row, 0);
    for (long i = first + from; i < first + to; i++) {
      float value = data.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      data.setAtIndex(ValueLayout.JAVA_FLOAT, i, Math.max(-limit, Math.min(limit, value)));
    }
  }

  /** Checks that a norm of one vector stays within its operands. */
  void checkNorm(int token, MemorySegment weight, int groupSize, Vectors out) {
    Objects.checkIndex(token, Math.min(rows, out.rows));
    if (groupSize < 1 || columns % groupSize != 0 || out.columns != columns) {
      throw new IllegalArgumentException(
          "norm of " + columns + " values in groups of " + groupSize + " to " + out.columns);
    }
    if (weight.byteSize() != 4L * columns || !weight.isNative()) {
      throw new IllegalArgumentException(
          "weight of a norm takes " + columns + " floats, given " + weight);
    }
  }

  /** Address of the first value of a vector. */
  long rowAddress(int row) {
    return data.address() + 4 * index(row, 0);
  }

  private long index(int row, int column) {
    return (long) row * columns + column;
  }
}
