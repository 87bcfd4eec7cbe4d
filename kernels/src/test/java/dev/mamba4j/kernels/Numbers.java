package dev.mamba4j.kernels;

import java.util.Random;

/** Numbers for tests, the same in every run. */
final class Numbers {
  private final Random random;

  Numbers(long seed) {
    random = new Random(seed);
  }

  /** Of both signs and never near zero, so that not one of them can be lost unnoticed. */
  float[] floats(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      float value = 0.5f + random.nextFloat();
      values[i] = random.nextBoolean() ? value : -value;
    }
    return values;
  }

  /** From 0 to the bound, the bound excluded. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  /** From the first to the last, both included. */
  int between(int first, int last) {
    return first + random.nextInt(last - first + 1);
  }

  /** Eighths from -1 to 1 by a rule simple enough to be repeated in other languages. */
  static float[] eighths(int seed, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = ((i * 37 + seed * 11) % 17 - 8) / 8f;
    }
    return values;
  }
}
