package dev.mamba4j.formats.tensor;

/**
 * Finds the integers of types where {@code value = d * scale * q - dmin * minimum}, and of those
 * where {@code value = d * q + m}.
 */
final class AffineQuantizer extends BlockQuantizer {
  /** By how many steps the range of a group is cut at either end. */
  private static final float[] CUTS = {-0.3f, 0, 0.3f, 0.6f, 1f};

  private static final int REFITS = 3;

  private final int highest; // q
  private final GroupSums sums;
  private final int highestScale; // 0 for types with one group
  private final double[] wantedScale; // (groups), what suits a group best
  private final double[] wantedMinimum;
  private final int[] scales; // (groups), those tried
  private final int[] minimums;

  // Sums over a group: weights, values, and what measure gives.
  private final double[] sumW; // (groups)
  private final double[] sumX;
  private final double[] sumXx;
  private double sumQ;
  private double sumQq;
  private double sumQx;

  // The step and minimum that fit the last sums best, and the error that they leave.
  private double step;
  private double minimum;
  private double error;

  /** A type with an added number, which may be of either sign. */
  AffineQuantizer(QuantizedCodec codec, int highest, int size) {
    this(codec, highest, size, 1, 0);
  }

  /** A type with scales and minimums of groups. */
  AffineQuantizer(QuantizedCodec codec, int highest, int groupSize, int groups, int highestScale) {
    super(codec, groups, groupSize);
    this.highest = highest;
    sums = GroupSums.of(this, 0, highest);
    this.highestScale = highestScale;
    wantedScale = new double[groups];
    wantedMinimum = new double[groups];
    scales = new int[groups];
    minimums = new int[groups];
    sumW = new double[groups];
    sumX = new double[groups];
    sumXx = new double[groups];
  }

  @Override
  void fitScales() {
    double largestScale = 0;
    double largestMinimum = 0;
    for (int group = 0; group < groups; group++) {
      fitAlone(group);
      largestScale = Math.max(largestScale, wantedScale[group]);
      largestMinimum = Math.max(largestMinimum, wantedMinimum[group]);
    }
    if (groups == 1) {
      codes.d = half(wantedScale[0]);
      codes.dMin = half(-wantedMinimum[0]);
    } else {
      fitTogether(largestScale, largestMinimum);
    }
  }

  /** Step and minimum that leave the least error in a group, whatever the other groups have. */
  private void fitAlone(int group) {
    float low = highestScale == 0 ? Float.MAX_VALUE : 0;
    float high = -Float.MAX_VALUE;
    float weights = 0;
    float values = 0;
    float squares = 0;
    for (int i = group * groupSize; i < (group + 1) * groupSize; i++) {
      low = Math.min(low, x[i]);
      high = Math.max(high, x[i]);
      weights += w[i];
      values += wx[i];
      squares += wx[i] * x[i];
    }
    sumW[group] = weights;
    sumX[group] = values;
    sumXx[group] = squares;
    wantedScale[group] = 0;
    wantedMinimum[group] = -low;
    float unit = (high - low) / highest;
    if (unit < TINY) {
      return;
    }
    double least = Double.MAX_VALUE;
    for (float below : CUTS) {
      for (float above : CUTS) {
        float from = low + below * unit;
        measure(group, highest / (high - above * unit - from), -from);
        least = keepIfBetter(group, least);
      }
    }
    for (int i = 0; i < REFITS; i++) {
      measure(group, (float) (1 / wantedScale[group]), (float) wantedMinimum[group]);
      double now = keepIfBetter(group, least);
      if (!(now < least)) {
        break;
      }
      least = now;
    }
  }

  private double keepIfBetter(int group, double least) {
    refit(group);
    if (error < least && step > TINY) {
      wantedScale[group] = step;
      wantedMinimum[group] = minimum;
      return error;
    }
    return least;
  }

  /** Weighted least squares for the integers of the last sums. */
  private void refit(int group) {
    double determinant = sumQq * sumW[group] - sumQ * sumQ;
    if (determinant > 0) {
      step = (sumQx * sumW[group] - sumX[group] * sumQ) / determinant;
      minimum = (step * sumQ - sumX[group]) / sumW[group];
    } else {
      step = 0;
      minimum = -sumX[group] / sumW[group];
    }
    if (minimum < 0 && highestScale > 0) {
      minimum = 0;
      step = sumQq > 0 ? sumQx / sumQq : 0;
    }
    error = error(group, step, minimum);
  }

  private double error(int group, double step, double minimum) {
    return sumXx[group]
        + step * (step * sumQq - 2 * sumQx)
        + minimum * (minimum * sumW[group] + 2 * sumX[group] - 2 * step * sumQ);
  }

  /** Scales and minimums as integers, and the two numbers that they multiply, for all groups. */
  private void fitTogether(double largestScale, double largestMinimum) {
    double least = Double.MAX_VALUE;
    for (int spare = 0; spare < 2; spare++) {
      float d = half(largestScale / (highestScale - spare));
      float dMin = half(largestMinimum / (highestScale - spare));
      for (int i = 0; i <= REFITS; i++) {
        double now = chooseScales(d, dMin);
        if (!(now < least)) {
          break;
        }
        least = now;
        codes.d = d;
        codes.dMin = dMin;
        System.arraycopy(scales, 0, codes.scales, 0, groups);
        System.arraycopy(minimums, 0, codes.minimums, 0, groups);
        d = half(refittedD);
        dMin = half(refittedDMin);
      }
    }
  }

  // The two numbers that suit the integers of the last chooseScales best.
  private double refittedD;
  private double refittedDMin;

  /** Chooses scale and minimum of each group; returns the error that is left. */
  private double chooseScales(float d, float dMin) {
    double total = 0;
    double a = 0; // of the normal equations: d a - dMin b = e, d b - dMin c = f
    double b = 0;
    double c = 0;
    double e = 0;
    double f = 0;
    for (int group = 0; group < groups; group++) {
      double least = choosePair(group, d, dMin);
      total += least;
      int scale = scales[group];
      int minimum = minimums[group];
      a += (double) scale * scale * keptQq;
      b += (double) scale * minimum * keptQ;
      c += (double) minimum * minimum * sumW[group];
      e += scale * keptQx;
      f += minimum * sumX[group];
    }
    double determinant = a * c - b * b;
    if (determinant > 0) {
      refittedD = (e * c - b * f) / determinant;
      refittedDMin = (b * e - a * f) / determinant;
    } else {
      refittedD = a > 0 ? e / a : d;
      refittedDMin = a > 0 ? dMin : c > 0 ? -f / c : 0;
    }
    return total;
  }

  // The sums of the pair that choosePair chose.
  private double keptQ;
  private double keptQq;
  private double keptQx;

  private double choosePair(int group, float d, float dMin) {
    int baseScale = integer(wantedScale[group], d);
    int baseMinimum = integer(wantedMinimum[group], dMin);
    double least = Double.MAX_VALUE;
    for (int scale = Math.max(0, baseScale - 1);
        scale <= Math.min(highestScale, baseScale + 1);
        scale++) {
      float step = d * scale;
      int from = baseMinimum;
      for (int round = 0; round < 2; round++) {
        measure(group, step > TINY ? 1 / step : 0, dMin * from);
        double exact = (step * sumQ - sumX[group]) / sumW[group];
        int minimum = integer(exact, dMin);
        double now = error(group, step, (double) dMin * minimum);
        if (now < least) {
          least = now;
          scales[group] = scale;
          minimums[group] = minimum;
          keptQ = sumQ;
          keptQq = sumQq;
          keptQx = sumQx;
        }
        if (minimum == from) {
          break;
        }
        from = minimum;
      }
    }
    return least;
  }

  private int integer(double number, float unit) {
    return unit > TINY ? (int) Math.clamp(Math.rint(number / unit), 0, highestScale) : 0;
  }

  /** Sums over a group, each value at the integer nearest to (value + minimum) * inverse. */
  private void measure(int group, float inverse, float minimum) {
    int from = group * groupSize;
    sums.measure(from, from + groupSize, inverse, minimum * inverse + 0.5f);
    sumQ = sums.wl;
    sumQq = sums.wll;
    sumQx = sums.wxl;
  }

  @Override
  public float round(int i, float number) {
    int group = i / groupSize;
    float step = groups == 1 ? codes.d : codes.d * codes.scales[group];
    float minimum = groups == 1 ? -codes.dMin : codes.dMin * codes.minimums[group];
    int q = step > TINY ? (int) ((number + minimum) / step + 0.5f) : 0;
    codes.quants[i] = Math.clamp(q, 0, highest);
    return step * codes.quants[i] - minimum;
  }
}
