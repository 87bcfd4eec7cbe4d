package dev.mamba4j.engine.tokenizer;

import java.util.Arrays;

/**
 * Merges one long word in O(n log n): the symbols are a linked list, and a heap holds the pairs
 * that can be merged, by rank and then by place. A pair that no longer stands where the heap says
 * is skipped when it comes up.
 */
final class LongWord {
  private static final int GONE = -1;

  private final int[] symbols;
  private final int count;
  private final Merges merges;
  private final int[] next;
  private final int[] previous;
  private long[] heap;
  private int heapSize;

  /**
   * @param symbols token ids, merged in place
   * @param count how many of them are in use
   */
  LongWord(int[] symbols, int count, Merges merges) {
    this.symbols = symbols;
    this.count = count;
    this.merges = merges;
    next = new int[count];
    previous = new int[count];
    heap = new long[count + 1];
  }

  /** Merges all that can be; returns how many symbols are left, at the start of the array. */
  int merge() {
    for (int i = 0; i < count; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (int i = 0; i + 1 < count; i++) {
      push(i);
    }
    while (heapSize > 0) {
      long best = pop();
      int rank = (int) (best >>> 32);
      int left = (int) best;
      if (symbols[left] != GONE
          && next[left] < count
          && merges.rank(symbols[left], symbols[next[left]]) == rank) {
        join(left, rank);
      }
    }
    return compact();
  }

  private void join(int left, int rank) {
    int right = next[left];
    int after = next[right];
    symbols[left] = merges.result(rank);
    symbols[right] = GONE;
    next[left] = after;
    if (after < count) {
      previous[after] = left;
      push(left);
    }
    if (previous[left] >= 0) {
      push(previous[left]);
    }
  }

  private int compact() {
    int kept = 0;
    for (int i = 0; i < count; i = next[i]) {
      symbols[kept++] = symbols[i];
    }
    return kept;
  }

  /** Puts the pair that starts at a symbol on the heap if it can be merged. */
  private void push(int left) {
    int rank = merges.rank(symbols[left], symbols[next[left]]);
    if (rank < 0) {
      return;
    }
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, heap.length + (heap.length >> 1) + 1);
    }
    long entry = ((long) rank << 32) | left;
    int at = heapSize++;
    while (at > 0 && heap[(at - 1) >> 1] > entry) {
      heap[at] = heap[(at - 1) >> 1];
      at = (at - 1) >> 1;
    }
    heap[at] = entry;
  }

  private long pop() {
    long top = heap[0];
    long last = heap[--heapSize];
    int at = 0;
    while (2 * at + 1 < heapSize) {
      int child = 2 * at + 1;
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
