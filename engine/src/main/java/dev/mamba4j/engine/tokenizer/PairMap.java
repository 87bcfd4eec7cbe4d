package dev.mamba4j.engine.tokenizer;

import java.util.Arrays;

/**
 * A map from pairs of non-negative ints to non-negative ints: open addressing over two arrays, no
 * objects per entry. Reading is safe from many threads once it is filled.
 */
final class PairMap {
  private static final long EMPTY = -1;

  private final long[] keys;
  private final int[] values;
  private final int shift;

  /** A map with room for so many entries, never more. */
  PairMap(int entries) {
    int bits = Math.max(3, 33 - Integer.numberOfLeadingZeros(Math.max(1, entries)));
    keys = new long[1 << bits];
    values = new int[1 << bits];
    shift = Long.SIZE - bits;
    Arrays.fill(keys, EMPTY);
  }

  /** Adds an entry unless the pair has one; returns the value that the pair has now. */
  int putIfAbsent(int first, int second, int value) {
    int slot = slot(key(first, second));
    if (keys[slot] == EMPTY) {
      keys[slot] = key(first, second);
      values[slot] = value;
    }
    return values[slot];
  }

  /** The value of a pair, or -1. */
  int get(int first, int second) {
    int slot = slot(key(first, second));
    return keys[slot] == EMPTY ? -1 : values[slot];
  }

  private static long key(int first, int second) {
    return ((long) first << 32) | second;
  }

  private int slot(long key) {
    int slot = (int) ((key * 0x9E3779B97F4A7C15L) >>> shift);
    while (keys[slot] != key && keys[slot] != EMPTY) {
      slot = (slot + 1) & (keys.length - 1);
    }
    return slot;
  }
}
