package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Sums over the lanes of vectors, always in the same order. The vectors are stored here first: each
 * thread has room for four.
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

  /** The sum of the lanes of a vector that has been stored. */
  static float of(long vector) {
    float even = 0;
    float odd = 0;
    for (long lane = vector; lane < vector + STRIDE; lane += 8) {
      even += Lanes.loadFloat(lane);
      odd += Lanes.loadFloat(lane + 4);
    }
    return even + odd;
  }
}
