package dev.mamba4j.cli;

import java.util.ArrayList;
import java.util.List;

/** Rows of text under headings, in columns as wide as they need to be. */
final class TextTable {
  private static final String RIGHT = ">";

  private final boolean[] right;
  private final int[] widths;
  private final List<String[]> rows = new ArrayList<>();

  /**
   * @param headings one a column; {@code >} before it sets the column flush right
   */
  TextTable(String... headings) {
    right = new boolean[headings.length];
    widths = new int[headings.length];
    String[] names = new String[headings.length];
    for (int i = 0; i < headings.length; i++) {
      right[i] = headings[i].startsWith(RIGHT);
      names[i] = right[i] ? headings[i].substring(RIGHT.length()) : headings[i];
    }
    row(names);
  }

  /** Adds a row with a text for each column. */
  void row(String... cells) {
    for (int i = 0; i < widths.length; i++) {
      widths[i] = Math.max(widths[i], width(cells[i]));
    }
    rows.add(cells.clone());
  }

  private static int width(String cell) {
    return cell.codePointCount(0, cell.length());
  }

  /** The table, each row ended by a line feed. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) {
        String space = " ".repeat(widths[i] - width(row[i]));
        line.append(right[i] ? space + row[i] : row[i] + space).append("  ");
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
