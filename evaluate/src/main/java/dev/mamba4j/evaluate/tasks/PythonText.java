package dev.mamba4j.evaluate.tasks;

import java.util.Locale;

/** Text as Python's str handles it, since the tasks are defined in Python. */
final class PythonText {
  private PythonText() {}

  private static boolean isSpace(int c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  /** Without the spaces at the end. All spaces of Unicode are one char. */
  static String rstrip(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  /** Without the spaces at both ends. */
  static String strip(String text) {
    String whole = rstrip(text);
    int start = 0;
    while (start < whole.length() && isSpace(whole.charAt(start))) {
      start++;
    }
    return whole.substring(start);
  }

  /** The first character in title case, all others in lower case. */
  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int end = text.offsetByCodePoints(0, 1);
    return Character.toString(Character.toTitleCase(text.codePointAt(0)))
        + text.substring(end).toLowerCase(Locale.ROOT);
  }

  /** How many characters it has. */
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
