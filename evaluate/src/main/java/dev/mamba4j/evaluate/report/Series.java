package dev.mamba4j.evaluate.report;

/**
 * A model as charts show it.
 *
 * @param name short enough to stand beside a point
 * @param number decides its colour
 * @param entry what was measured
 */
record Series(String name, int number, Entry entry) {
  private static final int COLOURS = 8;

  /** The class that gives the colour. */
  String colour() {
    return "c" + number % COLOURS;
  }
}
