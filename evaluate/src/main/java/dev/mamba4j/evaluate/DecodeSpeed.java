package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;

/** How fast a model decodes: one token after the other, logits included, no sampling. */
public final class DecodeSpeed {
  private static final int WARM_UP = 64;

  private DecodeSpeed() {}

  /**
   * Measures tokens per second after a warm-up.
   *
   * @param tokens how many steps are timed
   */
  public static double measure(LanguageModel model, int tokens) {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    try (Mamba2State state = model.mamba2().newState()) {
      step(model, state, logits, WARM_UP);
      long start = System.nanoTime();
      step(model, state, logits, tokens);
      return tokens / ((System.nanoTime() - start) / 1e9);
    }
  }

  private static void step(LanguageModel model, Mamba2State state, float[] logits, int count) {
    for (int i = 0; i < count; i++) {
      model.mamba2().step(state, i % model.vocabulary(), logits);
    }
  }
}
