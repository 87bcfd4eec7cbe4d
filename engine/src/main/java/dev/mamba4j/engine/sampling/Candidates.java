package dev.mamba4j.engine.sampling;

import java.util.Arrays;

/**
 * The tokens that may come next, in the order of their ids. Each filter finds where to cut and
 * keeps what is above; nothing is sorted. Buffers are reused from token to token.
 *
 * <p>Weights are {@code exp(score - highest)}: probabilities up to a factor.
 */
final class Candidates {
  private final HighestScores best = new HighestScores();
  private int[] ids = new int[0];
  private float[] scores = new float[0];
  private double[] weights = new double[0];
  private int size;
  private float highest;
  // Keys and weights of what the cut of top-p is searched in.
  private long[] keys = new long[0];
  private double[] masses = new double[0];

  /**
   * Starts with all tokens that are possible at all.
   *
   * @param source scores by token id, none NaN
   * @param highestScore the highest of them, finite
   */
  void takeAll(float[] source, int count, float highestScore) {
    start(count, highestScore);
    for (int id = 0; id < count; id++) {
      if (source[id] > Float.NEGATIVE_INFINITY) {
        add(id, source[id]);
      }
    }
  }

  /** Starts with the {@code k} tokens of the highest scores; k is 1 or more. */
  void takeTop(int k, float[] source, int count, float highestScore) {
    start(Math.min(k, count), highestScore);
    best.select(source, count, k);
    float cutScore = HighestScores.score(best.lowest());
    int cutId = HighestScores.id(best.lowest());
    for (int id = 0; id < count; id++) {
      if (source[id] > cutScore || (source[id] == cutScore && id <= cutId)) {
        add(id, source[id]);
      }
    }
  }

  /**
   * Keeps the most probable tokens until their probabilities add up to {@code p}, in [0, 1). The
   * token that reaches p stays.
   */
  void keepNucleus(double p) {
    double total = 0;
    for (int i = 0; i < size; i++) {
      weights[i] = Exponential.of((double) scores[i] - highest);
      total += weights[i];
    }
    // All weights below this add up to less than 1 - p of the total: none of them is needed.
    double negligible = (1 - p) * total / size;
    int count = 0;
    for (int i = 0; i < size; i++) {
      if (weights[i] >= negligible) {
        keys[count] = HighestScores.key(scores[i], ids[i]);
        masses[count] = weights[i];
        count++;
      }
    }
    // The best token stays for p = 0 too.
    long cut = cutAtMass(Math.max(p * total, Double.MIN_NORMAL), count);
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (HighestScores.key(scores[i], ids[i]) >= cut) {
        keep(i, kept++);
      }
    }
    size = kept;
  }

  /** Keeps tokens whose probability is at least {@code p}, in (0, 1], of the highest one. */
  void keepFrom(double p) {
    double lowest = highest + StrictMath.log(p);
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (scores[i] >= lowest) {
        keep(i, kept++);
      }
    }
    size = kept;
  }

  /**
   * Draws a token with probability in proportion to {@code exp(score / temperature)}.
   *
   * @param uniform in [0, 1)
   */
  int draw(double temperature, double uniform) {
    double total = 0;
    for (int i = 0; i < size; i++) {
      total += Exponential.of(((double) scores[i] - highest) / temperature);
      weights[i] = total;
    }
    double target = uniform * total;
    int chosen = 0;
    while (weights[chosen] <= target) {
      chosen++;
    }
    return ids[chosen];
  }

  /** The ids, ascending. */
  int[] ids() {
    return Arrays.copyOf(ids, size);
  }

  /**
   * The key at which the masses of the greatest keys reach {@code target}: quickselect, counting
   * mass in place of elements.
   */
  private long cutAtMass(double target, int count) {
    int from = 0;
    int to = count;
    double missing = target;
    while (from < to) {
      int pivot = partition(from, to);
      double above = 0;
      for (int i = from; i < pivot; i++) {
        above += masses[i];
      }
      if (above >= missing) {
        to = pivot;
      } else if (above + masses[pivot] >= missing) {
        return keys[pivot];
      } else {
        missing -= above + masses[pivot];
        from = pivot + 1;
      }
    }
    // Rounding left a little mass missing: all up to here are needed.
    return keys[from - 1];
  }

  /** Moves keys greater than a pivot before it, in [from, to); returns where the pivot is. */
  private int partition(int from, int to) {
    swap((from + to) >>> 1, to - 1);
    long pivot = keys[to - 1];
    int at = from;
    for (int i = from; i < to - 1; i++) {
      if (keys[i] > pivot) {
        swap(i, at++);
      }
    }
    swap(at, to - 1);
    return at;
  }

  private void swap(int i, int j) {
    long key = keys[i];
    keys[i] = keys[j];
    keys[j] = key;
    double mass = masses[i];
    masses[i] = masses[j];
    masses[j] = mass;
  }

  private void start(int capacity, float highestScore) {
    size = 0;
    highest = highestScore;
    if (ids.length < capacity) {
      ids = new int[capacity];
      scores = new float[capacity];
      weights = new double[capacity];
      keys = new long[capacity];
      masses = new double[capacity];
    }
  }

  private void add(int id, float score) {
    ids[size] = id;
    scores[size] = score;
    size++;
  }

  private void keep(int from, int to) {
    ids[to] = ids[from];
    scores[to] = scores[from];
  }
}
