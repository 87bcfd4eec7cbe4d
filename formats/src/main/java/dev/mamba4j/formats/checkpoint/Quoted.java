package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;

/** Text of a file within a message: one line, not too long, whatever the file holds. */
final class Quoted {
  private static final int SHOWN = 100;

  private Quoted() {}

  static String of(String text) {
    return "\"" + inner(text) + "\"";
  }

  /** The same without quotation marks. */
  static String inner(String text) {
    StringBuilder line = new StringBuilder();
    text.chars().limit(SHOWN).forEach(c -> append(line, (char) c));
    return line.append(text.length() > SHOWN ? "…" : "").toString();
  }

  /** A name that messages can show as it is. */
  static String checkedName(String name, String where) throws FormatException {
    if (name.isEmpty() || name.length() > 1024 || name.chars().anyMatch(Quoted::breaksLine)) {
      throw new FormatException(
          where
              + ": tensor name "
              + of(name)
              + ": expected 1 to 1024 characters and none that controls a terminal");
    }
    return name;
  }

  private static void append(StringBuilder line, char c) {
    if (breaksLine(c)) {
      line.append(String.format("\\u%04x", (int) c));
    } else {
      line.append(c);
    }
  }

  private static boolean breaksLine(int c) {
    return Character.isISOControl(c) || c == '\u2028' || c == '\u2029';
  }
}
