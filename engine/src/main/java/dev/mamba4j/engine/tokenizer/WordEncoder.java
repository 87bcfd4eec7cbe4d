package dev.mamba4j.engine.tokenizer;

import java.util.Arrays;

/**
 * Byte-pair encoding of single words: of all neighbours the pair with the lowest rank is merged,
 * the leftmost of equals, until no pair can be. Holds working memory, so it belongs to one thread.
 */
final class WordEncoder {
  /** Up to so many bytes a scan for the best pair is faster than a heap. */
  private static final int SHORT = 48;

  private static final int NONE = Integer.MAX_VALUE;

  private final int[] byteIds;
  private final Merges merges;
  private final WordCache cache;
  private final int[] ranks = new int[SHORT];
  private int[] symbols = new int[4 * SHORT];

  /**
   * @param byteIds the token of each byte, or -1
   */
  WordEncoder(int[] byteIds, Merges merges, WordCache cache) {
    this.byteIds = byteIds;
    this.merges = merges;
    this.cache = cache;
  }

  /** Appends the tokens of one word; surrogates must be paired. */
  void encode(char[] text, int from, int to, TokenIds target) {
    boolean cacheable = to - from <= WordCache.MAX_LENGTH;
    int[] known = cacheable ? cache.get(text, from, to) : null;
    if (known != null) {
      target.addAll(known, 0, known.length);
      return;
    }
    int count = splitIntoBytes(text, from, to);
    count = count <= SHORT ? mergeShort(count) : new LongWord(symbols, count, merges).merge();
    target.addAll(symbols, 0, count);
    if (cacheable) {
      cache.put(text, from, to, Arrays.copyOf(symbols, count));
    }
  }

  /** Fills {@code symbols} with the tokens of the bytes of UTF-8; returns how many. */
  private int splitIntoBytes(char[] text, int from, int to) {
    if (symbols.length / 3 < to - from) {
      symbols = new int[Math.multiplyExact(3, to - from)];
    }
    int count = 0;
    int next;
    for (int at = from; at < to; at = next) {
      int c = Character.codePointAt(text, at, to);
      next = at + Character.charCount(c);
      if (c < 0x80) {
        count = addByte(count, c);
      } else if (c < 0x800) {
        count = addByte(count, 0xC0 | (c >> 6));
        count = addByte(count, 0x80 | (c & 0x3F));
      } else if (c < 0x10000) {
        count = addByte(count, 0xE0 | (c >> 12));
        count = addByte(count, 0x80 | ((c >> 6) & 0x3F));
        count = addByte(count, 0x80 | (c & 0x3F));
      } else {
        count = addByte(count, 0xF0 | (c >> 18));
        count = addByte(count, 0x80 | ((c >> 12) & 0x3F));
        count = addByte(count, 0x80 | ((c >> 6) & 0x3F));
        count = addByte(count, 0x80 | (c & 0x3F));
      }
    }
    return count;
  }

  /** A byte that the vocabulary lacks is left out, as the Hugging Face library and llama.cpp do. */
  private int addByte(int count, int value) {
    symbols[count] = byteIds[value];
    return symbols[count] < 0 ? count : count + 1;
  }

  private int mergeShort(int symbolCount) {
    int count = symbolCount;
    for (int i = 0; i < count - 1; i++) {
      ranks[i] = rankAt(i);
    }
    while (count > 1) {
      int best = 0;
      for (int i = 1; i < count - 1; i++) {
        if (ranks[i] < ranks[best]) {
          best = i;
        }
      }
      if (ranks[best] == NONE) {
        break;
      }
      symbols[best] = merges.result(ranks[best]);
      count--;
      System.arraycopy(symbols, best + 2, symbols, best + 1, count - best - 1);
      System.arraycopy(ranks, best + 1, ranks, best, count - best - 1);
      if (best > 0) {
        ranks[best - 1] = rankAt(best - 1);
      }
      if (best < count - 1) {
        ranks[best] = rankAt(best);
      }
    }
    return count;
  }

  private int rankAt(int index) {
    int rank = merges.rank(symbols[index], symbols[index + 1]);
    return rank < 0 ? NONE : rank;
  }
}
