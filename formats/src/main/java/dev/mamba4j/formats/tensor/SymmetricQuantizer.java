package dev.mamba4j.formats.tensor;

/** Finds the integers of types where {@code value = d * scale * level}. */
final class SymmetricQuantizer extends BlockQuantizer {
  /** By how many levels the largest value of a group may lie beyond the last. */
  private static final float[] EXCESS = {-0.9f, -0.6f, -0.3f, 0, 0.3f, 0.6f, 0.9f, 1.2f, 1.6f, 2f};

  private static final int REFITS = 3;

  private final Levels levels;
  private final GroupSums sums; // for levels a unit apart
  private final int lowestScale;
  private final int highestScale;
  private final int scaleOffset; // from a scale to what is stored
  private final double[] wanted; // (groups), the scale that suits a group best
  private final int[] scales; // (groups), those tried
  private final int[] bestScales;

  private double valueLevel; // sum of w * x * level
  private double levelLevel; // sum of w * level^2

  /** A type whose blocks have one scale. */
  SymmetricQuantizer(QuantizedCodec codec, Levels levels, int size) {
    this(codec, levels, size, 1, 1, 1, 0);
  }

  /** A type whose blocks have groups with scales of their own. */
  SymmetricQuantizer(
      QuantizedCodec codec,
      Levels levels,
      int groupSize,
      int groups,
      int lowestScale,
      int highestScale,
      int scaleOffset) {
    super(codec, groups, groupSize);
    this.levels = levels;
    sums = GroupSums.of(this, levels.lowest(), levels.levels.length - 1);
    this.lowestScale = lowestScale;
    this.highestScale = highestScale;
    this.scaleOffset = scaleOffset;
    wanted = new double[groups];
    scales = new int[groups];
    bestScales = new int[groups];
  }

  @Override
  void fitScales() {
    double largest = 0;
    for (int group = 0; group < groups; group++) {
      wanted[group] = bestScale(group);
      if (Math.abs(wanted[group]) > Math.abs(largest)) {
        largest = wanted[group];
      }
    }
    if (groups == 1) {
      choose(largest);
    } else {
      fitTogether(largest);
    }
    for (int group = 0; group < groups; group++) {
      codes.scales[group] = bestScales[group] + scaleOffset;
    }
  }

  private void choose(double scale) {
    codes.d = half(scale);
    bestScales[0] = 1;
  }

  /** The scale that leaves the least error in a group, whatever the other groups have. */
  private double bestScale(int group) {
    float max = 0;
    for (int i = group * groupSize; i < (group + 1) * groupSize; i++) {
      if (Math.abs(x[i]) > Math.abs(max)) {
        max = x[i];
      }
    }
    if (Math.abs(max) < TINY) {
      return 0;
    }
    double scale = 0;
    double gain = 0;
    for (float excess : EXCESS) {
      for (int side = 0; side < 2; side++) {
        float level = side == 0 ? levels.lowest() - excess : levels.highest() + excess;
        measure(group, level / max);
        if (valueLevel * valueLevel > gain * levelLevel) {
          gain = valueLevel * valueLevel / levelLevel;
          scale = valueLevel / levelLevel;
        }
      }
    }
    for (int i = 0; i < REFITS; i++) {
      measure(group, (float) (1 / scale));
      if (!(valueLevel * valueLevel > gain * levelLevel)) {
        break;
      }
      gain = valueLevel * valueLevel / levelLevel;
      scale = valueLevel / levelLevel;
    }
    return scale;
  }

  /** Scales as integers, and the number that they multiply, for all groups. */
  private void fitTogether(double largest) {
    double best = -1;
    codes.d = 0;
    for (int top : new int[] {lowestScale, highestScale, lowestScale + 2, highestScale - 2}) {
      float d = half(largest / top);
      for (int i = 0; i <= REFITS && Math.abs(d) > TINY; i++) {
        double gain = chooseScales(d);
        if (!(gain > best)) {
          break;
        }
        best = gain;
        codes.d = d;
        System.arraycopy(scales, 0, bestScales, 0, groups);
        d = half(refitted);
      }
    }
  }

  private double refitted; // the d that suits the integers of the last chooseScales best

  /** Chooses the scale of each group for a d; returns by how much that lessens the error. */
  private double chooseScales(float d) {
    double total = 0;
    double products = 0;
    double squares = 0;
    for (int group = 0; group < groups; group++) {
      int base = (int) Math.clamp(Math.rint(wanted[group] / d), lowestScale, highestScale);
      int from = Math.max(lowestScale, base - 1);
      int to = Math.min(highestScale, base + 1);
      double gain = 0;
      double product = 0;
      double square = 0;
      scales[group] = 0;
      for (int scale = from; scale <= to; scale++) {
        if (scale != 0) {
          float step = d * scale;
          measure(group, 1 / step);
          double lessened = step * (2 * valueLevel - step * levelLevel);
          if (lessened > gain) {
            gain = lessened;
            product = scale * valueLevel;
            square = (double) scale * scale * levelLevel;
            scales[group] = scale;
          }
        }
      }
      total += gain;
      products += product;
      squares += square;
    }
    refitted = squares > 0 ? products / squares : 0;
    return total;
  }

  /** Sums over a group, each value at the level nearest to its product with the inverse scale. */
  private void measure(int group, float inverse) {
    int from = group * groupSize;
    float factor = inverse * levels.resolution;
    if (levels.isLinear()) {
      sums.measure(from, from + groupSize, factor, levels.shift);
      valueLevel = sums.wxl;
      levelLevel = sums.wll;
    } else {
      lookUp(from, factor);
    }
  }

  private void lookUp(int from, float factor) {
    float[] cellLevels = levels.cellLevels;
    float shift = levels.shift;
    int last = cellLevels.length - 1;
    float products = 0;
    float squares = 0;
    for (int i = from; i < from + groupSize; i++) {
      int cell = (int) (x[i] * factor + shift);
      float level = cellLevels[Math.max(0, Math.min(cell, last))];
      products += wx[i] * level;
      squares += w[i] * level * level;
    }
    valueLevel = products;
    levelLevel = squares;
  }

  @Override
  public float round(int i, float number) {
    float step = codes.d * bestScales[i / groupSize];
    int code = levels.code(Math.abs(step) < TINY ? 0 : number / step);
    codes.quants[i] = code;
    return step * levels.levels[code];
  }
}
