package dev.mamba4j.formats.tensor;

/**
 * The numbers that the codes of a symmetric type stand for, in ascending order, and which of them
 * is nearest to any number.
 *
 * <p>The line is cut into cells so narrow that all numbers of a cell have the same nearest level;
 * finding it is then one multiplication and one look into a table, whatever the levels are.
 */
final class Levels {
  /** Level of each code. */
  final float[] levels;

  /** Cells in a unit. */
  final float resolution;

  /** Added to a number times the resolution, it gives the cell as the whole part. */
  final float shift;

  /** Code of each cell. */
  final int[] cellCodes;

  /** Level of each cell. */
  final float[] cellLevels;

  /**
   * @param levels ascending integers
   * @param resolution cells in a unit: 2 serves any integers, since what lies halfway between two
   *     is a multiple of a half; 1 where neighbours are a unit apart, with cells around them
   */
  Levels(float[] levels, int resolution) {
    this.levels = levels;
    this.resolution = resolution;
    float lowest = levels[0];
    float first = resolution == 1 ? lowest - 0.5f : lowest; // where the first cell begins
    shift = -first * resolution;
    int cells = (int) ((levels[levels.length - 1] - lowest) * resolution) + 1;
    cellCodes = new int[cells];
    cellLevels = new float[cells];
    for (int cell = 0; cell < cells; cell++) {
      cellCodes[cell] = nearest(first + (cell + 0.5f) / resolution);
      cellLevels[cell] = levels[cellCodes[cell]];
    }
  }

  /** Each integer from lowest to highest. */
  static Levels linear(int lowest, int highest) {
    float[] levels = new float[highest - lowest + 1];
    for (int code = 0; code < levels.length; code++) {
      levels[code] = lowest + code;
    }
    return new Levels(levels, 1);
  }

  private int nearest(float number) {
    int best = 0;
    for (int code = 1; code < levels.length; code++) {
      if (Math.abs(levels[code] - number) < Math.abs(levels[best] - number)) {
        best = code;
      }
    }
    return best;
  }

  /** Whether neighbours are a unit apart and cells around them. */
  boolean isLinear() {
    return resolution == 1;
  }

  float lowest() {
    return levels[0];
  }

  float highest() {
    return levels[levels.length - 1];
  }

  /** The code whose level is nearest to a number. */
  int code(float number) {
    int cell = (int) (number * resolution + shift);
    return cellCodes[Math.clamp(cell, 0, cellCodes.length - 1)];
  }
}
