package dev.mamba4j.evaluate.tasks;

import java.util.Locale;
import java.util.regex.Pattern;

/** The part of a data set that a task asks from. */
public enum Split {
  /** What is held back to the end. */
  TEST("test"),
  /** What is asked where the answers of the test split are not public. */
  VALIDATION("validation|valid|val|dev");

  private final Pattern words;

  Split(String words) {
    this.words = Pattern.compile("(?<![a-z])(" + words + ")(?![a-z])");
  }

  /** How it is written in full. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether one of the words in a file's name, in lower case, stands for it. */
  boolean isNamedIn(String fileName) {
    return words.matcher(fileName).find();
  }
}
