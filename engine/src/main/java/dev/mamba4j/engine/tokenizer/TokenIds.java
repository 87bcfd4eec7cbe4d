package dev.mamba4j.engine.tokenizer;

import java.util.Arrays;

/** A growing list of token ids. */
final class TokenIds {
  private int[] ids;
  private int size;

  TokenIds(int expected) {
    ids = new int[Math.max(8, expected)];
  }

  void add(int id) {
    reserve(1);
    ids[size++] = id;
  }

  void addAll(int[] source, int from, int count) {
    reserve(count);
    System.arraycopy(source, from, ids, size, count);
    size += count;
  }

  int[] toArray() {
    return Arrays.copyOf(ids, size);
  }

  private void reserve(int more) {
    if (ids.length - size < more) {
      ids = Arrays.copyOf(ids, Math.max(size + more, ids.length + (ids.length >> 1)));
    }
  }
}
