package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.LogitsListener;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.Span;
import java.util.ArrayList;
import java.util.List;

/**
 * A speed as llama-bench gives it: the mean over some repeats, after one that does not count.
 *
 * @param test {@code pp512} for reading a prompt of 512 tokens, {@code tg128} for decoding 128,
 *     {@code tg128 b8} for decoding 128 in each of 8 sequences together
 * @param tokensPerSecond mean over the repeats, of all sequences together
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
          },
          () -> {});
    }
  }

  /** Decodes token by token, logits included, without sampling. */
  public static Speed decode(LanguageModel model, int tokens, int repeats) {
    return decode(model, tokens, repeats, () -> {});
  }

  /**
   * As above.
   *
   * @param between runs before the first repeat and after each, such as a measurement of what
   *     memory gives at that moment
   */
  public static Speed decode(LanguageModel model, int tokens, int repeats, Runnable between) {
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
          },
          between);
    }
  }

  /** As above for several sequences together, a token of each in a pass over the weights. */
  public static Speed decode(
      LanguageModel model, int tokens, int sequences, int repeats, Runnable between) {
    List<Mamba2State> states = new ArrayList<>();
    try {
      for (int i = 0; i < sequences; i++) {
        states.add(model.mamba2().newState());
      }
      steps(model, states, WARM_UP_STEPS);
      return repeat(
          "tg" + tokens + " b" + sequences,
          tokens * sequences,
          repeats,
          () -> steps(model, states, tokens),
          between);
    } finally {
      states.forEach(Mamba2State::close);
    }
  }

  private static void steps(LanguageModel model, List<Mamba2State> states, int count) {
    for (int i = 0; i < count; i++) {
      List<Span> spans = new ArrayList<>();
      for (Mamba2State state : states) {
        int token = token(model, i * states.size() + spans.size());
        spans.add(Span.step(state, token, LogitsListener.NONE));
      }
      model.mamba2().run(spans);
    }
  }

  /** Spreads over the vocabulary, so that embeddings do not come from a cache. */
  private static int token(LanguageModel model, int position) {
    return (int) (position * 7919L % model.vocabulary());
  }

  private static Speed repeat(
      String test, int tokens, int repeats, Runnable run, Runnable between) {
    run.run();
    between.run();
    List<Double> speeds = new ArrayList<>();
    for (int i = 0; i < repeats; i++) {
      long start = System.nanoTime();
      run.run();
      speeds.add(tokens / ((System.nanoTime() - start) / 1e9));
      between.run();
    }
    double mean = speeds.stream().mapToDouble(x -> x).average().orElse(0);
    double squares = speeds.stream().mapToDouble(x -> (x - mean) * (x - mean)).sum();
    return new Speed(test, mean, repeats > 1 ? Math.sqrt(squares / (repeats - 1)) : 0);
  }

  /** Wants them computed, which is what counts. */
  private static final class LastLogits implements PrefillListener {
    @Override
    public int firstLogits(int total) {
      return total - 1;
    }
  }
}
