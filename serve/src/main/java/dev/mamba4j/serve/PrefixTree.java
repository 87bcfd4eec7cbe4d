package dev.mamba4j.serve;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Values by sequences of tokens, found by the longest prefix of another sequence: a radix tree
 * whose edges carry runs of tokens. Not safe for use by several threads at a time.
 *
 * @param <V> the values
 */
final class PrefixTree<V> {
  private final Node<V> root = new Node<>(new int[0]);
  private int size;

  private static final class Node<V> {
    private final Map<Integer, Node<V>> children = new HashMap<>();
    private int[] edge;
    private V value;

    Node(int[] edge) {
      this.edge = edge;
    }
  }

  /**
   * What is known of a sequence.
   *
   * @param value of the longest prefix that has one
   * @param shared how many tokens at its beginning are those of some sequence in the tree
   */
  record Match<V>(Optional<V> value, int shared) {}

  /** How many values there are. */
  int size() {
    return size;
  }

  /** The value of just this sequence. */
  Optional<V> get(int[] tokens) {
    Node<V> node = root;
    int at = 0;
    while (at < tokens.length) {
      node = node.children.get(tokens[at]);
      if (node == null || !startsWith(tokens, at, node.edge)) {
        return Optional.empty();
      }
      at += node.edge.length;
    }
    return Optional.ofNullable(node.value);
  }

  /** Sets the value of a sequence; one that was there is replaced. */
  void put(int[] tokens, V value) {
    Node<V> node = root;
    int at = 0;
    while (at < tokens.length) {
      Node<V> child = node.children.get(tokens[at]);
      if (child == null) {
        child = new Node<>(Arrays.copyOfRange(tokens, at, tokens.length));
        node.children.put(tokens[at], child);
      } else {
        int common = common(tokens, at, child.edge);
        if (common < child.edge.length) {
          child = split(node, child, common);
        }
      }
      at += child.edge.length;
      node = child;
    }
    size += node.value == null ? 1 : 0;
    node.value = value;
  }

  /** Puts a node between a parent and its child, where the child's edge parts from a sequence. */
  private static <V> Node<V> split(Node<V> parent, Node<V> child, int common) {
    Node<V> upper = new Node<>(Arrays.copyOf(child.edge, common));
    parent.children.put(child.edge[0], upper);
    child.edge = Arrays.copyOfRange(child.edge, common, child.edge.length);
    upper.children.put(child.edge[0], child);
    return upper;
  }

  /** Removes the value of a sequence, if it has one. */
  void remove(int[] tokens) {
    remove(root, tokens, 0);
  }

  private void remove(Node<V> node, int[] tokens, int at) {
    if (at == tokens.length) {
      size -= node.value == null ? 0 : 1;
      node.value = null;
      return;
    }
    Node<V> child = node.children.get(tokens[at]);
    if (child == null || !startsWith(tokens, at, child.edge)) {
      return;
    }
    remove(child, tokens, at + child.edge.length);
    if (child.value == null && child.children.isEmpty()) {
      node.children.remove(tokens[at]);
    } else if (child.value == null && child.children.size() == 1) {
      merge(node, child);
    }
  }

  /** Takes out a node that only leads on. */
  private static <V> void merge(Node<V> parent, Node<V> middle) {
    Node<V> below = middle.children.values().iterator().next();
    int[] edge = Arrays.copyOf(middle.edge, middle.edge.length + below.edge.length);
    System.arraycopy(below.edge, 0, edge, middle.edge.length, below.edge.length);
    below.edge = edge;
    parent.children.put(edge[0], below);
  }

  /** The longest prefix, of at most {@code limit} tokens, that has a value. */
  Match<V> find(int[] tokens, int limit) {
    Node<V> node = root;
    Optional<V> best = Optional.ofNullable(root.value);
    int at = 0;
    while (at < limit) {
      Node<V> child = node.children.get(tokens[at]);
      if (child == null) {
        return new Match<>(best, at);
      }
      int common = Math.min(common(tokens, at, child.edge), limit - at);
      at += common;
      if (common < child.edge.length) {
        return new Match<>(best, at);
      }
      node = child;
      best = node.value == null ? best : Optional.of(node.value);
    }
    return new Match<>(best, at);
  }

  private static boolean startsWith(int[] tokens, int at, int[] edge) {
    return common(tokens, at, edge) == edge.length;
  }

  private static int common(int[] tokens, int at, int[] edge) {
    int length = Math.min(edge.length, tokens.length - at);
    int differ = Arrays.mismatch(tokens, at, at + length, edge, 0, length);
    return differ < 0 ? length : differ;
  }
}
