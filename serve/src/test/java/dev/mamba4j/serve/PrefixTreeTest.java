package dev.mamba4j.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PrefixTreeTest {
  @Test
  void theLongestPrefixIsFound() {
    PrefixTree<String> tree = new PrefixTree<>();
    tree.put(new int[] {1, 2, 3}, "a");
    tree.put(new int[] {1, 2, 3, 4, 5}, "b");
    tree.put(new int[] {1, 2, 9}, "c");

    PrefixTree.Match<String> match = tree.find(new int[] {1, 2, 3, 4, 6}, 5);

    assertThat(match.value()).contains("a");
    assertThat(match.shared()).isEqualTo(4);
  }

  @Test
  void noPrefixLongerThanTheLimitIsFound() {
    PrefixTree<String> tree = new PrefixTree<>();
    tree.put(new int[] {1, 2}, "a");
    tree.put(new int[] {1, 2, 3}, "b");

    assertThat(tree.find(new int[] {1, 2, 3}, 2).value()).contains("a");
    assertThat(tree.find(new int[] {1, 2, 3}, 3).value()).contains("b");
    assertThat(tree.find(new int[] {1, 2, 3}, 1).value()).isEmpty();
  }

  /** Against a plain map that is searched from the longest prefix to the shortest. */
  @Test
  void itSaysWhatAMapSays() {
    Random random = new Random(5);
    PrefixTree<Integer> tree = new PrefixTree<>();
    Map<String, Integer> map = new HashMap<>();
    for (int i = 0; i < 5000; i++) {
      int[] tokens = random.ints(random.nextInt(7), 0, 3).toArray();
      switch (random.nextInt(3)) {
        case 0 -> {
          tree.put(tokens, i);
          map.put(Arrays.toString(tokens), i);
        }
        case 1 -> {
          tree.remove(tokens);
          map.remove(Arrays.toString(tokens));
        }
        default -> {
          int limit = random.nextInt(tokens.length + 1);
          assertThat(tree.find(tokens, limit).value()).isEqualTo(longest(map, tokens, limit));
          assertThat(tree.get(tokens))
              .isEqualTo(Optional.ofNullable(map.get(Arrays.toString(tokens))));
        }
      }
      assertThat(tree.size()).isEqualTo(map.size());
    }
  }

  private static Optional<Integer> longest(Map<String, Integer> map, int[] tokens, int limit) {
    for (int length = limit; length >= 0; length--) {
      Integer value = map.get(Arrays.toString(Arrays.copyOf(tokens, length)));
      if (value != null) {
        return Optional.of(value);
      }
    }
    return Optional.empty();
  }
}
