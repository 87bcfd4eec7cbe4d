package dev.mamba4j.engine.tokenizer;

import java.util.Arrays;

/**
 * Words seen before and their token ids. One place per hash value, where the newest word stays: so
 * it is bounded without bookkeeping. Threads share it without locks: a {@link Word} is immutable
 * (its fields are final), and a thread that misses another's newest word only does the work again.
 */
final class WordCache {
  /** Longer words are rare; keeping them out bounds the memory at about 3 MiB. */
  static final int MAX_LENGTH = 32;

  private static final int BITS = 14;

  private final Word[] words = new Word[1 << BITS];

  /** The token ids of a word, or null if they are not known. Not to be changed. */
  int[] get(char[] text, int from, int to) {
    Word word = words[slot(text, from, to)];
    return word != null && Arrays.equals(word.text, 0, word.text.length, text, from, to)
        ? word.ids
        : null;
  }

  /** Keeps the token ids of a word. */
  void put(char[] text, int from, int to, int[] ids) {
    words[slot(text, from, to)] = new Word(Arrays.copyOfRange(text, from, to), ids);
  }

  private static int slot(char[] text, int from, int to) {
    int hash = 0;
    for (int at = from; at < to; at++) {
      hash = 31 * hash + text[at];
    }
    return (hash * 0x9E3779B9) >>> (Integer.SIZE - BITS);
  }

  private static final class Word {
    final char[] text;
    final int[] ids;

    Word(char[] text, int[] ids) {
      this.text = text;
      this.ids = ids;
    }
  }
}
