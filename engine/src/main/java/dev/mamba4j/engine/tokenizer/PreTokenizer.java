package dev.mamba4j.engine.tokenizer;

/**
 * Cuts text into the words within which BPE merges: the pattern of GPT-2,
 *
 * <pre>{@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}</pre>
 *
 * written out by hand, so that no input makes it slow. The classes are those of the regular
 * expressions in the Hugging Face library: {@code \s} is Unicode's White_Space, {@code \p{L}} and
 * {@code \p{N}} are of Unicode 16, which is that of JDK 25 too.
 */
final class PreTokenizer {
  private static final byte OTHER = 0;
  private static final byte LETTER = 1;
  private static final byte NUMBER = 2;
  private static final byte SPACE = 3;
  private static final byte[] ASCII = new byte[128];

  static {
    for (int c = 0; c < ASCII.length; c++) {
      ASCII[c] = classify(c);
    }
  }

  private PreTokenizer() {}

  /**
   * The end of the word that starts at {@code from}; text from {@code to} on does not count.
   *
   * @param from below {@code to}
   */
  static int wordEnd(char[] text, int from, int to) {
    char first = text[from];
    if (first == '\'') {
      int end = contractionEnd(text, from, to);
      if (end > from) {
        return end;
      }
    }
    int start = first == ' ' && from + 1 < to ? from + 1 : from;
    byte kind = kindAt(text, start, to);
    return kind == SPACE ? spaceEnd(text, from, to) : runEnd(text, start, to, kind);
  }

  /** The end of an English contraction that starts at the apostrophe, or {@code from}. */
  private static int contractionEnd(char[] text, int from, int to) {
    char second = from + 1 < to ? text[from + 1] : 0;
    char third = from + 2 < to ? text[from + 2] : 0;
    return switch (second) {
      case 's', 't', 'm', 'd' -> from + 2;
      case 'r', 'v' -> third == 'e' ? from + 3 : from;
      case 'l' -> third == 'l' ? from + 3 : from;
      default -> from;
    };
  }

  /** White space before a word leaves its last character to that word, if it has another. */
  private static int spaceEnd(char[] text, int from, int to) {
    int end = runEnd(text, from, to, SPACE);
    // All white space is in the basic plane, so its last character is one char.
    return end < to && end - 1 > from ? end - 1 : end;
  }

  private static int runEnd(char[] text, int from, int to, byte kind) {
    int at = from;
    while (at < to) {
      char c = text[at];
      if (c < ASCII.length) {
        if (ASCII[c] != kind) {
          break;
        }
        at++;
      } else {
        int codePoint = Character.codePointAt(text, at, to);
        if (classify(codePoint) != kind) {
          break;
        }
        at += Character.charCount(codePoint);
      }
    }
    return at;
  }

  private static byte kindAt(char[] text, int at, int to) {
    char c = text[at];
    return c < ASCII.length ? ASCII[c] : classify(Character.codePointAt(text, at, to));
  }

  private static byte classify(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      // Together these three are every separator of Unicode: all of them are White_Space.
      case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
          SPACE;
      case Character.CONTROL ->
          (codePoint >= '\t' && codePoint <= '\r') || codePoint == 0x85 ? SPACE : OTHER;
      default -> OTHER;
    };
  }
}
