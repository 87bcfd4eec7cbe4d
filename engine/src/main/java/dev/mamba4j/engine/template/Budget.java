package dev.mamba4j.engine.template;

/**
 * What a template may still do. Evaluations and elements of lists are a step each, and so are 64
 * characters that are copied or compared, so time and memory are bounded alike.
 */
final class Budget {
  private static final long STEPS = 1_000_000;
  private static final long UNITS_PER_STEP = 64; // one for a character
  private static final long UNITS_PER_TEXT = 4;
  private static final long SEARCHED_PER_UNIT = 4;
  private static final int MAX_DEPTH = 64;

  private long units = STEPS * UNITS_PER_STEP;
  private int depth;

  void step() {
    steps(1);
  }

  void steps(long count) {
    spend(count * UNITS_PER_STEP);
  }

  /** Before a text of this length is made or compared. */
  void characters(long count) {
    spend(count + UNITS_PER_TEXT);
  }

  /** Before a text is looked for in another: every place may be compared to its end. */
  void search(Text in, Text what) {
    spend((long) in.length() * Math.max(1, what.length()) / SEARCHED_PER_UNIT);
  }

  private void spend(long count) {
    units -= count;
    if (units < 0) {
      throw TemplateException.of("it takes more than " + STEPS + " steps");
    }
  }

  /** A macro calls another. */
  void enter() {
    if (++depth > MAX_DEPTH) {
      throw TemplateException.of("macros call each other more than " + MAX_DEPTH + " deep");
    }
  }

  void leave() {
    depth--;
  }
}
