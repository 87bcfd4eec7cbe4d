package dev.mamba4j.compress.hub;

/**
 * A pattern for file names, as the Hub's own client takes them: {@code *} stands for anything,
 * folders included, {@code ?} for one character; a pattern that ends in {@code /} takes the folder.
 *
 * @param pattern the pattern
 */
record Glob(String pattern) {
  Glob {
    pattern = pattern.endsWith("/") ? pattern + "*" : pattern;
  }

  /**
   * Whether a name matches as a whole. Only the last star is ever tried again: if the text after it
   * fits anywhere, an earlier star need not take more. So the time is at most length times length.
   */
  boolean matches(String name) {
    int p = 0;
    int n = 0;
    int star = -1;
    int taken = 0;
    while (n < name.length()) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        taken = n;
      } else if (p < pattern.length()
          && (pattern.charAt(p) == '?' || pattern.charAt(p) == name.charAt(n))) {
        p++;
        n++;
      } else if (star >= 0) {
        p = star + 1;
        n = ++taken;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }
}
