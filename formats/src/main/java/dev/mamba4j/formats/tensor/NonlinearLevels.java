package dev.mamba4j.formats.tensor;

/** The sixteen levels, denser around zero, that the 4-bit codes of IQ4_NL and IQ4_XS stand for. */
public final class NonlinearLevels {
  private static final byte[] LEVELS = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private NonlinearLevels() {}

  /**
   * The level of a code.
   *
   * @param code 0 to 15
   */
  public static int level(int code) {
    return LEVELS[code];
  }

  /** All of them, for a search. */
  static Levels all() {
    float[] levels = new float[LEVELS.length];
    for (int code = 0; code < levels.length; code++) {
      levels[code] = LEVELS[code];
    }
    return new Levels(levels, 2);
  }
}
