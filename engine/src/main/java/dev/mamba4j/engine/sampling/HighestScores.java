package dev.mamba4j.engine.sampling;

/**
 * The highest of many scores, found in one pass with a heap of as many as are wanted. Of equal
 * scores the lower id is the better; scores of negative infinity are left out.
 */
final class HighestScores {
  // A min-heap of keys. A key holds score and id such that the better candidate has the greater.
  private long[] heap = new long[0];
  private int size;

  /** Finds the best {@code wanted} of the first {@code count} scores, none of them NaN. */
  void select(float[] scores, int count, int wanted) {
    int limit = Math.min(wanted, count);
    if (heap.length < limit) {
      heap = new long[limit];
    }
    size = 0;
    int id = 0;
    for (; id < count && size < limit; id++) {
      if (scores[id] > Float.NEGATIVE_INFINITY) {
        heap[size++] = key(scores[id], id);
      }
    }
    for (int at = size / 2 - 1; at >= 0; at--) {
      siftDown(at, size);
    }
    if (id == count || size == 0) {
      return;
    }
    float lowest = score(heap[0]);
    for (; id < count; id++) {
      // An equal score comes with a higher id here, so it does not get in.
      if (scores[id] > lowest) {
        heap[0] = key(scores[id], id);
        siftDown(0, size);
        lowest = score(heap[0]);
      }
    }
  }

  int size() {
    return size;
  }

  /** The key of the worst one selected. */
  long lowest() {
    return heap[0];
  }

  /** The keys of those selected, the best first. Ends the selection. */
  long[] sorted() {
    for (int end = size - 1; end > 0; end--) {
      long worst = heap[0];
      heap[0] = heap[end];
      heap[end] = worst;
      siftDown(0, end);
    }
    return heap;
  }

  private void siftDown(int start, int end) {
    long moving = heap[start];
    int at = start;
    for (int child = 2 * at + 1; child < end; child = 2 * at + 1) {
      if (child + 1 < end && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= moving) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = moving;
  }

  /** Greater for the higher score, and of equal scores for the lower id. */
  static long key(float score, int id) {
    // Adding zero makes -0 and 0 equal, as they are as floats.
    return ((long) ordered(Float.floatToRawIntBits(score + 0f)) << 32) | (~id & 0xFFFFFFFFL);
  }

  static float score(long key) {
    return Float.intBitsToFloat(ordered((int) (key >> 32)));
  }

  static int id(long key) {
    return ~(int) key;
  }

  /** Bits of a float to an int of the same order, and back. */
  private static int ordered(int bits) {
    return bits ^ (bits >> 31 & 0x7FFFFFFF);
  }
}
