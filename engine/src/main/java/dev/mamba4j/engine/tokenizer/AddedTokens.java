package dev.mamba4j.engine.tokenizer;

import java.util.Arrays;

/**
 * Finds tokens that are taken from the text as a whole, before words are cut: leftmost first, and
 * of those the longest, as the Hugging Face library does. A trie; its search costs at most the
 * length of the longest token per character of text.
 */
final class AddedTokens {
  private static final int ROOT = 0;

  private final PairMap children;
  private final int[] tokens;
  private final long[] firstChars = new long[1 << 10];
  private final boolean empty;

  private int nodes = 1;

  /**
   * @param texts texts of tokens; empty ones are ignored
   * @param ids the ids of those tokens
   */
  AddedTokens(String[] texts, int[] ids) {
    int length = Arrays.stream(texts).mapToInt(String::length).sum();
    children = new PairMap(length);
    tokens = new int[length + 1];
    Arrays.fill(tokens, -1);
    for (int i = 0; i < texts.length; i++) {
      add(texts[i], ids[i]);
    }
    empty = length == 0;
  }

  private void add(String text, int id) {
    if (text.isEmpty()) {
      return;
    }
    int node = ROOT;
    for (int i = 0; i < text.length(); i++) {
      int child = children.putIfAbsent(node, text.charAt(i), nodes);
      nodes += child == nodes ? 1 : 0;
      node = child;
    }
    tokens[node] = id;
    firstChars[text.charAt(0) >> 6] |= 1L << text.charAt(0);
  }

  /** Where the first token in a stretch of text starts, or {@code to} if there is none. */
  int find(char[] text, int from, int to) {
    if (empty) {
      return to;
    }
    for (int at = from; at < to; at++) {
      char c = text[at];
      if (((firstChars[c >> 6] >>> c) & 1) != 0 && end(text, at, to) > at) {
        return at;
      }
    }
    return to;
  }

  /** The end of the longest token that starts at {@code from}, or {@code from} if none does. */
  int end(char[] text, int from, int to) {
    int end = from;
    int node = ROOT;
    for (int at = from; at < to; at++) {
      node = children.get(node, text[at]);
      if (node < 0) {
        break;
      }
      if (tokens[node] >= 0) {
        end = at + 1;
      }
    }
    return end;
  }

  /** The id of the token that is exactly this stretch of text. */
  int id(char[] text, int from, int to) {
    int node = ROOT;
    for (int at = from; at < to; at++) {
      node = children.get(node, text[at]);
    }
    return tokens[node];
  }
}
