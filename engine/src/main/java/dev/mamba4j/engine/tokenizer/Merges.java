package dev.mamba4j.engine.tokenizer;

import dev.mamba4j.formats.FormatException;
import java.util.List;

/** Which pairs of tokens become one token, and which pair goes first. */
final class Merges {
  private final PairMap ranks;
  private final int[] results;

  /**
   * The merges of a tokenizer. Of a pair that is listed twice the first counts.
   *
   * @throws FormatException if a merge is not of two tokens whose texts together are a token
   */
  Merges(TokenizerData data, Vocabulary vocabulary) throws FormatException {
    List<String> merges = data.merges();
    ranks = new PairMap(merges.size());
    results = new int[merges.size()];
    for (int rank = 0; rank < results.length; rank++) {
      String merge = merges.get(rank);
      int space = merge.indexOf(' ', 1);
      int left = space < 0 ? -1 : vocabulary.id(merge.substring(0, space));
      int right = space < 0 ? -1 : vocabulary.id(merge.substring(space + 1));
      int result =
          left < 0 || right < 0
              ? -1
              : vocabulary.id(vocabulary.text(left).concat(vocabulary.text(right)));
      if (result < 0) {
        throw new FormatException(
            "%s: merge %d: expected two tokens that together are a token, found \"%s\""
                .formatted(data.where(), rank, merge));
      }
      ranks.putIfAbsent(left, right, rank);
      results[rank] = result;
    }
  }

  /** The rank of a pair, lower ranks are merged first; -1 if the pair is not merged. */
  int rank(int left, int right) {
    return ranks.get(left, right);
  }

  /** The token that a merge makes. */
  int result(int rank) {
    return results[rank];
  }
}
