package dev.mamba4j.formats.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;

/**
 * One tensor of a checkpoint. It is valid until its {@link Checkpoint} is closed. Tied tensors have
 * the same {@link #data()}.
 */
public final class CheckpointTensor {
  private final String name;
  private final DataType type;
  private final long[] shape;
  private final long[] strides; // in values
  private final MemorySegment data;
  private final Path file;
  private final long elements;
  private final boolean contiguous;

  /**
   * The caller has checked that the data hold what shape and strides ask for.
   *
   * @param strides distance between neighbours along each dimension, in values
   * @param data from the first value to the last
   */
  CheckpointTensor(
      String name, DataType type, long[] shape, long[] strides, MemorySegment data, Path file) {
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.strides = strides;
    this.data = data;
    this.file = file;
    this.elements = Shapes.elements(shape);
    this.contiguous = Shapes.isRowMajor(shape, strides);
  }

  /** A tensor whose values lie one after the other. */
  static CheckpointTensor contiguous(
      String name, DataType type, long[] shape, MemorySegment data, Path file) {
    return new CheckpointTensor(name, type, shape, Shapes.rowMajor(shape), data, file);
  }

  /** The name in the checkpoint. */
  public String name() {
    return name;
  }

  /** The type of the values in the file. */
  public DataType type() {
    return type;
  }

  /** Row-major, as PyTorch prints it: the last dimension is the innermost. */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * The part of the mapped file from the tensor's first value to its last, read-only. The values in
   * it lie one after the other if {@link #isContiguous()}.
   */
  public MemorySegment data() {
    return data;
  }

  /** The file that holds the values. */
  public Path file() {
    return file;
  }

  /** Number of values. */
  public long elements() {
    return elements;
  }

  /** Whether the values lie in row-major order without gaps; a transposed tensor is different. */
  public boolean isContiguous() {
    return contiguous;
  }

  /**
   * Decodes a range of values to floats. Values are counted in row-major order, whatever their
   * order in the file.
   *
   * @param first number of the first value
   * @param target takes the values from index {@code at} on
   * @param count number of values
   * @throws IndexOutOfBoundsException if the range is not within the tensor or the target
   */
  public void read(long first, float[] target, int at, int count) {
    Objects.checkFromIndexSize(first, count, elements);
    Objects.checkFromIndexSize(at, count, target.length);
    if (contiguous) {
      type.decode(data, first * type.bytes(), target, at, count);
    } else {
      gather(first, target, at, count);
    }
  }

  /** Reads along the last dimension, one run after the other. */
  private void gather(long first, float[] target, int at, int count) {
    int last = shape.length - 1;
    long[] index = indexOf(first);
    int done = 0;
    while (done < count) {
      int run = (int) Math.min(count - done, shape[last] - index[last]);
      long position = positionOf(index);
      for (int i = 0; i < run; i++) {
        long offset = (position + i * strides[last]) * type.bytes();
        type.decode(data, offset, target, at + done + i, 1);
      }
      done += run;
      index[last] += run;
      carry(index);
    }
  }

  private long[] indexOf(long number) {
    long[] index = new long[shape.length];
    for (int i = shape.length - 1; i >= 0; i--) {
      index[i] = number % shape[i];
      number /= shape[i];
    }
    return index;
  }

  private long positionOf(long[] index) {
    long position = 0;
    for (int i = 0; i < index.length; i++) {
      position += index[i] * strides[i];
    }
    return position;
  }

  private void carry(long[] index) {
    for (int i = index.length - 1; i > 0 && index[i] == shape[i]; i--) {
      index[i] = 0;
      index[i - 1]++;
    }
  }

  @Override
  public String toString() {
    return name + " " + type + " " + Shapes.text(shape);
  }
}
