package dev.mamba4j.engine.template;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A text of which each character was either written by the template or given by who talks. So what
 * looks like a control token in a message stays text, wherever the template puts it. Immutable;
 * texts of the same characters are equal.
 */
public final class Text implements Comparable<Text> {
  static final Text EMPTY = written("");

  private final String value;
  private final BitSet given; // by index of a char; never changed

  private Text(String value, BitSet given) {
    this.value = value;
    this.given = given;
  }

  /** A text of the template's own. */
  public static Text written(String value) {
    return new Text(value, new BitSet());
  }

  /** A text from outside. */
  public static Text given(String value) {
    BitSet all = new BitSet(value.length());
    all.set(0, value.length());
    return new Text(value, all);
  }

  /** By index of a char, whether it came from outside; a copy. */
  public BitSet given() {
    return (BitSet) given.clone();
  }

  /** How many chars there are. */
  public int length() {
    return value.length();
  }

  boolean isEmpty() {
    return value.isEmpty();
  }

  int indexOf(Text what, int from) {
    return value.indexOf(what.value, from);
  }

  /** A part by indexes of chars. */
  public Text substring(int from, int to) {
    return from == 0 && to == value.length()
        ? this
        : new Text(value.substring(from, to), given.get(from, to));
  }

  /** Without characters of a set at its ends; null is the set of white space. */
  Text strip(String set, boolean left, boolean right) {
    int from = 0;
    int to = value.length();
    while (left && from < to && isIn(set, value.charAt(from))) {
      from++;
    }
    while (right && to > from && isIn(set, value.charAt(to - 1))) {
      to--;
    }
    return substring(from, to);
  }

  private static boolean isIn(String set, char c) {
    return set == null ? isBlank(c) : set.indexOf(c) >= 0;
  }

  /** What Python counts as white space, no-break spaces included. */
  static boolean isBlank(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
  }

  /** The parts between white space. */
  List<Text> words(Budget budget) {
    List<Text> words = new ArrayList<>();
    int at = 0;
    while (at < value.length()) {
      int from = at;
      while (at < value.length() && !isBlank(value.charAt(at))) {
        at++;
      }
      if (at > from) {
        budget.step();
        words.add(substring(from, at));
      }
      at++;
    }
    return words;
  }

  /** The parts between occurrences of a separator that is not empty, cut at most so many times. */
  List<Text> split(Text separator, long most, Budget budget) {
    budget.search(this, separator);
    List<Text> parts = new ArrayList<>();
    int from = 0;
    int at = indexOf(separator, 0);
    while (at >= 0 && parts.size() < most) {
      budget.step();
      parts.add(substring(from, at));
      from = at + separator.length();
      at = indexOf(separator, from);
    }
    parts.add(substring(from, value.length()));
    return parts;
  }

  /** The same with changed characters; where their number changes too, all count as given. */
  Text map(UnaryOperator<String> change) {
    String changed = change.apply(value);
    if (changed.length() == value.length() || given.isEmpty()) {
      return new Text(changed, given);
    }
    return given(changed);
  }

  static Text join(Text separator, List<Text> parts, Budget budget) {
    Builder all = new Builder(budget);
    for (int i = 0; i < parts.size(); i++) {
      if (i > 0) {
        all.append(separator);
      }
      all.append(parts.get(i));
    }
    return all.toText();
  }

  @Override
  public int compareTo(Text other) {
    return value.compareTo(other.value);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Text text && text.value.equals(value);
  }

  @Override
  public int hashCode() {
    return value.hashCode();
  }

  /** The characters. */
  @Override
  public String toString() {
    return value;
  }

  /** Puts texts together. */
  static final class Builder {
    private final Budget budget;
    private final StringBuilder value = new StringBuilder();
    private final BitSet given = new BitSet();

    Builder(Budget budget) {
      this.budget = budget;
    }

    Builder append(Text text) {
      budget.characters(text.length());
      int offset = value.length();
      int from = text.given.nextSetBit(0);
      while (from >= 0) {
        int to = text.given.nextClearBit(from);
        given.set(offset + from, offset + to);
        from = text.given.nextSetBit(to);
      }
      value.append(text.value);
      return this;
    }

    Builder append(String written) {
      budget.characters(written.length());
      value.append(written);
      return this;
    }

    Text toText() {
      return new Text(value.toString(), (BitSet) given.clone());
    }
  }
}
