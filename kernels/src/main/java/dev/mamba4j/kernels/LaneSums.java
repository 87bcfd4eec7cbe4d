package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Sums over the lanes of vectors, always in the same order: the upper half is added to the lower
 * one until one lane is left. The vectors are stored here first: each thread has room for four.
 *
 * <p>{@code reduceLanes} takes another order in compiled than in interpreted code. The last bit in
 * which its sums differ matters where they are rounded to 8 bits later: a program would not give
 * the same text twice.
 */
final class LaneSums {
  /** Bytes from one vector to the next. */
  static final long STRIDE = 4L * COUNT;

  private static final ThreadLocal<MemorySegment> OF_THREAD =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(4 * STRIDE, STRIDE));

  private LaneSums() {}

  /** The address of this thread's first vector. */
  static long ofThread() {
    return OF_THREAD.get().address();
  }

  /** Makes so many bytes of vectors zeros. */
  static void clear(long vectors, long bytes) {
    long first = Lanes.address(vectors);
    int count = (int) (bytes / STRIDE);
    for (int i = 0; i < count; i++) {
      FloatVector.zero(FLOATS).intoMemorySegment(MEMORY, first + STRIDE * i, ORDER);
    }
  }

  /** Adds the products of two rows of floats to the lanes of a vector that has been stored. */
  static void addProducts(long a, long b, int count, long sum) {
    long x = Lanes.address(a);
    long y = Lanes.address(b);
    long vector = Lanes.address(sum);
    int whole = count / COUNT * COUNT;
    FloatVector s = fromMemorySegment(FLOATS, MEMORY, vector, ORDER);
    for (int i = 0; i < whole; i += COUNT) {
      FloatVector v = fromMemorySegment(FLOATS, MEMORY, y + 4L * i, ORDER);
      s = fromMemorySegment(FLOATS, MEMORY, x + 4L * i, ORDER).fma(v, s);
    }
    s.intoMemorySegment(MEMORY, vector, ORDER);
    for (int i = whole; i < count; i++) {
      float product = Lanes.loadFloat(x + 4L * i) * Lanes.loadFloat(y + 4L * i);
      Lanes.storeFloat(vector, Lanes.loadFloat(vector) + product);
    }
  }

  /** The sum of the lanes of a vector that has been stored; what is stored changes. */
  static float of(long sum) {
    long vector = Lanes.address(sum);
    if (COUNT > 8) {
      fromMemorySegment(FloatVector.SPECIES_256, MEMORY, vector, ORDER)
          .add(fromMemorySegment(FloatVector.SPECIES_256, MEMORY, vector + 32, ORDER))
          .intoMemorySegment(MEMORY, vector, ORDER);
    }
    if (COUNT > 4) {
      fromMemorySegment(FloatVector.SPECIES_128, MEMORY, vector, ORDER)
          .add(fromMemorySegment(FloatVector.SPECIES_128, MEMORY, vector + 16, ORDER))
          .intoMemorySegment(MEMORY, vector, ORDER);
    }
    return (Lanes.loadFloat(vector) + Lanes.loadFloat(vector + 8))
        + (Lanes.loadFloat(vector + 4) + Lanes.loadFloat(vector + 12));
  }
}
