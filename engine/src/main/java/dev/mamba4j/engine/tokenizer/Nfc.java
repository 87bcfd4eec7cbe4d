package dev.mamba4j.engine.tokenizer;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Unicode normalization form C as the Hugging Face library does it: with the tables of Unicode 9.0.
 * Two things are done here that {@link Normalizer} does not do. Characters younger than those
 * tables stay as they are. And marks in very long runs are put in order in n log n steps, where the
 * JDK needs n².
 */
final class Nfc {
  /** Below this every character is a starter that does not change. */
  private static final char FIRST_MARK = 0x300;

  /** The longest run of marks that the JDK is given unsorted. */
  private static final int LONG_RUN = 64;

  /**
   * First and last code points of the ranges that got a combining class or a part in a canonical
   * decomposition after Unicode 9.0. To an older normalizer they are starters without
   * decomposition. Found by asking the Hugging Face library about every code point.
   */
  private static final int[] YOUNG = {
    0x7FD, 0x7FD, 0x897, 0x89F, 0x8CA, 0x8D3, 0x9FE, 0x9FE, 0xC3C, 0xC3C, 0xD3B, 0xD3C, 0xEBA,
    0xEBA, 0x1715, 0x1715, 0x1ABF, 0x1ACE, 0x1DF6, 0x1DFA, 0xA82C, 0xA82C, 0x105C9, 0x105C9,
    0x105D2, 0x105D2, 0x105DA, 0x105DA, 0x105E4, 0x105E4, 0x10D24, 0x10D27, 0x10D69, 0x10D6D,
    0x10EAB, 0x10EAC, 0x10EFD, 0x10EFF, 0x10F46, 0x10F50, 0x10F82, 0x10F85, 0x11070, 0x11070,
    0x1133B, 0x1133B, 0x11382, 0x11385, 0x1138B, 0x1138B, 0x1138E, 0x1138E, 0x11390, 0x11391,
    0x113B8, 0x113B8, 0x113BB, 0x113BB, 0x113C2, 0x113C2, 0x113C5, 0x113C5, 0x113C7, 0x113C9,
    0x113CE, 0x113D0, 0x1145E, 0x1145E, 0x11839, 0x1183A, 0x11930, 0x11930, 0x11935, 0x11935,
    0x11938, 0x11938, 0x1193D, 0x1193E, 0x11943, 0x11943, 0x119E0, 0x119E0, 0x11A34, 0x11A34,
    0x11A47, 0x11A47, 0x11A99, 0x11A99, 0x11D42, 0x11D42, 0x11D44, 0x11D45, 0x11D97, 0x11D97,
    0x11F41, 0x11F42, 0x1611E, 0x16129, 0x1612F, 0x1612F, 0x16D63, 0x16D63, 0x16D67, 0x16D6A,
    0x16FF0, 0x16FF1, 0x1E08F, 0x1E08F, 0x1E130, 0x1E136, 0x1E2AE, 0x1E2AE, 0x1E2EC, 0x1E2EF,
    0x1E4EC, 0x1E4EF, 0x1E5EE, 0x1E5EF
  };

  private Nfc() {}

  /** Whether a stretch of text is normalized at first sight, as nearly all Latin text is. */
  static boolean isPlain(char[] text, int from, int to) {
    for (int at = from; at < to; at++) {
      if (text[at] >= FIRST_MARK) {
        return false;
      }
    }
    return true;
  }

  /** The normalized text. */
  static String normalize(String text) {
    StringBuilder normalized = new StringBuilder(text.length());
    int start = 0;
    int next;
    for (int at = 0; at < text.length(); at = next) {
      int codePoint = text.codePointAt(at);
      next = at + Character.charCount(codePoint);
      if (isYoung(codePoint)) {
        normalized.append(normalizeOld(text.substring(start, at))).appendCodePoint(codePoint);
        start = next;
      }
    }
    return normalized.append(normalizeOld(text.substring(start))).toString();
  }

  private static boolean isYoung(int codePoint) {
    if (codePoint < YOUNG[0]) {
      return false;
    }
    int index = Arrays.binarySearch(YOUNG, codePoint);
    // Between the two ends of a range the insertion point is odd.
    return index >= 0 || (-index - 1) % 2 == 1;
  }

  private static String normalizeOld(String text) {
    String source = hasLongRun(text) ? decomposeAndOrder(text) : text;
    return Normalizer.normalize(source, Normalizer.Form.NFC);
  }

  private static boolean hasLongRun(String text) {
    int run = 0;
    int next;
    for (int at = 0; at < text.length() && run <= LONG_RUN; at = next) {
      int codePoint = text.codePointAt(at);
      next = at + Character.charCount(codePoint);
      run = isMark(codePoint) ? run + 1 : 0;
    }
    return run > LONG_RUN;
  }

  /** Normalization form D, from which the JDK composes form C without sorting anything. */
  private static String decomposeAndOrder(String text) {
    int[] codePoints = decomposeInChunks(text).codePoints().toArray();
    Map<Integer, Integer> classes = combiningClasses(codePoints);
    int start = 0;
    for (int at = 0; at <= codePoints.length; at++) {
      if (at == codePoints.length || !classes.containsKey(codePoints[at])) {
        order(codePoints, start, at, classes);
        start = at + 1;
      }
    }
    return new String(codePoints, 0, codePoints.length);
  }

  private static String decomposeInChunks(String text) {
    StringBuilder decomposed = new StringBuilder(text.length());
    int next;
    for (int at = 0; at < text.length(); at = next) {
      next = Math.min(text.length(), at + LONG_RUN);
      if (next < text.length() && Character.isLowSurrogate(text.charAt(next))) {
        next++;
      }
      decomposed.append(Normalizer.normalize(text.substring(at, next), Normalizer.Form.NFD));
    }
    return decomposed.toString();
  }

  /** Sorts marks by their class; marks of one class keep their order. */
  private static void order(int[] marks, int from, int to, Map<Integer, Integer> classes) {
    long[] keys = new long[Math.max(0, to - from)];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = ((long) classes.get(marks[from + i]) << 32) | i;
    }
    Arrays.sort(keys);
    int[] source = Arrays.copyOfRange(marks, from, from + keys.length);
    for (int i = 0; i < keys.length; i++) {
      marks[from + i] = source[(int) keys[i]];
    }
  }

  /**
   * Numbers in the order of the combining classes for every mark of a text that has one. The JDK
   * does not tell the classes, but it shows their order when it sorts two marks.
   */
  private static Map<Integer, Integer> combiningClasses(int[] codePoints) {
    TreeSet<Integer> distinct = new TreeSet<>();
    Arrays.stream(codePoints).filter(Nfc::isMark).forEach(distinct::add);
    List<Integer> marks = new ArrayList<>(distinct);
    marks.removeIf(mark -> !isReordered(mark));
    marks.sort(Nfc::compareClasses);
    Map<Integer, Integer> classes = new HashMap<>();
    int number = 0;
    for (int i = 0; i < marks.size(); i++) {
      if (i > 0 && compareClasses(marks.get(i - 1), marks.get(i)) != 0) {
        number++;
      }
      classes.put(marks.get(i), number);
    }
    return classes;
  }

  /** Whether the class is not 0: U+0345 has the highest of all, so it goes behind any other. */
  private static boolean isReordered(int mark) {
    return mark == 0x345 || goesBefore(mark, 0x345);
  }

  private static int compareClasses(int a, int b) {
    if (goesBefore(a, b)) {
      return -1;
    }
    return goesBefore(b, a) ? 1 : 0;
  }

  /** Whether the JDK moves a mark in front of another that stands before it. */
  private static boolean goesBefore(int mark, int other) {
    String written = Character.toString(other) + Character.toString(mark);
    String sorted = Character.toString(mark) + Character.toString(other);
    return mark != other && Normalizer.normalize(written, Normalizer.Form.NFD).equals(sorted);
  }

  private static boolean isMark(int codePoint) {
    if (codePoint < FIRST_MARK) {
      return false;
    }
    int type = Character.getType(codePoint);
    return type == Character.NON_SPACING_MARK
        || type == Character.COMBINING_SPACING_MARK
        || type == Character.ENCLOSING_MARK;
  }
}
