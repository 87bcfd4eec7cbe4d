package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.kernels.Vectors;
import java.util.ArrayList;
import java.util.List;

/**
 * A speed as llama-bench gives it: the mean over some repeats, after one that does not count.
 *
 * @param test {@code pp512} for reading a prompt of 512 tokens, {@code tg128} for decoding 128
 * @param tokensPerSecond mean over the repeats
 * @param deviation standard deviation over the repeats
 */
public record Speed(String test, double tokensPerSecond, double deviation) {
  private static final int WARM_UP_STEPS = 4;

  /** Reads a prompt into an empty state; the logits of its last token are computed. */
  public static Speed prefill(LanguageModel model, int tokens, int repeats) {
    int[] prompt = new int[tokens];
    for (int i = 0; i < tokens; i++) {
      prompt[i] = token(model, i);
    }
    LastLogits listener = new LastLogits();
    try (Mamba2State state = model.mamba2().newState()) {
      return repeat(
          "pp" + tokens,
          tokens,
          repeats,
          () -> {
            state.reset();
            model.mamba2().prefill(state, prompt, listener);
          });
    }
  }

  /** Decodes token by token, logits included, without sampling. */
  public static Speed decode(LanguageModel model, int tokens, int repeats) {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    try (Mamba2State state = model.mamba2().newState()) {
      for (int i = 0; i < WARM_UP_STEPS; i++) {
        model.mamba2().step(state, token(model, i), logits);
      }
      return repeat(
          "tg" + tokens,
          tokens,
          repeats,
          () -> {
            for (int i = 0; i < tokens; i++) {
              model.mamba2().step(state, token(model, i), logits);
            }
          });
    }
  }

  /** Spreads over the vocabulary, so that embeddings do not come from a cache. */
  private static int token(LanguageModel model, int position) {
    return (int) (position * 7919L % model.vocabulary());
  }

  private static Speed repeat(String test, int tokens, int repeats, Runnable run) {
    run.run();
    List<Double> speeds = new ArrayList<>();
    for (int i = 0; i < repeats; i++) {
      long start = System.nanoTime();
      run.run();
      speeds.add(tokens / ((System.nanoTime() - start) / 1e9));
    }
    double mean = speeds.stream().mapToDouble(x -> x).average().orElse(0);
    double squares = speeds.stream().mapToDouble(x -> (x - mean) * (x - mean)).sum();
    return new Speed(test, mean, repeats > 1 ? Math.sqrt(squares / (repeats - 1)) : 0);
  }

  private static final class LastLogits implements PrefillListener {
    @Override
    public int firstLogits(int total) {
      return total - 1;
    }

    @Override
    public void logits(int position, Vectors logits, int row) {
      // Computing them is what counts.
    }
  }
}
