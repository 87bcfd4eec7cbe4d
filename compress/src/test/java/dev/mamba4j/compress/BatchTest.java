package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.LogitsListener;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.Span;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Vectors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several sequences in one pass, against each by itself, step by step. */
class BatchTest {
  private static final float BOUND = 1e-4f;

  private static final ModelOptions TWO_THREADS =
      new ModelOptions(2, Precision.FAST, Optional.empty());

  @TempDir private static Path folder;

  /**
   * Prompts of several lengths begin at different times; who has read its prompt goes on by ones.
   */
  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"F32", "Q8_0"})
  void sequencesReadTogetherAsEachAlone(TensorType type) throws IOException {
    int[] prompts = {1, 40, 5, 64, 17, 100};
    try (LanguageModel model = open(type)) {
      List<Sequence> sequences = new ArrayList<>();
      for (int i = 0; i < prompts.length; i++) {
        sequences.add(new Sequence(model.mamba2(), i, prompts[i]));
      }
      for (int round = 0; sequences.stream().anyMatch(s -> !s.atEnd()); round++) {
        List<Span> spans = new ArrayList<>();
        int left = Mamba2.PASS_TOKENS - sequences.size();
        for (int i = 0; i < Math.min(sequences.size(), round + 1); i++) {
          Sequence sequence = sequences.get(i);
          if (!sequence.atEnd()) {
            Span span = sequence.next(1 + Math.min(30, left));
            left -= span.length() - 1;
            spans.add(span);
          }
        }
        model.mamba2().run(spans);
      }
      sequences.forEach(Sequence::check);
      sequences.forEach(s -> s.state.close());
    }
  }

  /** The tokens of a sequence, and the logits wanted: of the last of the prompt and all behind. */
  private static final class Sequence {
    private static final int DECODED = 8;

    final Mamba2State state;
    private final int[] tokens;
    private final int prompt;
    private final float[][] expected;
    private final List<Integer> given = new ArrayList<>();
    private int read;

    Sequence(Mamba2 model, int seed, int prompt) {
      this.prompt = prompt;
      tokens = new Random(seed).ints(prompt + DECODED, 0, model.config().vocabulary()).toArray();
      expected = new float[tokens.length][model.config().vocabulary()];
      try (Mamba2State alone = model.newState()) {
        for (int i = 0; i < tokens.length; i++) {
          model.step(alone, tokens[i], expected[i]);
        }
      }
      state = model.newState();
    }

    boolean atEnd() {
      return read == tokens.length;
    }

    Span next(int most) {
      int from = read;
      read = from < prompt ? Math.min(prompt, from + most) : from + 1;
      return new Span(state, tokens, from, read, prompt - 1, this::compare);
    }

    private void compare(int position, Vectors logits, int row) {
      float[] actual = new float[logits.columns()];
      logits.read(row, actual);
      assertClose(actual, expected[position], "prompt of " + prompt + ", at " + position);
      given.add(position);
    }

    void check() {
      assertThat(state.position()).isEqualTo(tokens.length);
      List<Integer> wanted = IntStream.range(prompt - 1, tokens.length).boxed().toList();
      assertThat(given).isEqualTo(wanted);
    }
  }

  @Test
  void givesAsManyLogitsAsAreAskedForSpanBySpan() throws IOException {
    try (LanguageModel model = open(TensorType.F32);
        Mamba2State one = model.mamba2().newState();
        Mamba2State two = model.mamba2().newState();
        Mamba2State three = model.mamba2().newState()) {
      int[] tokens = new Random(1).ints(40, 0, 4096).toArray();
      List<String> calls = new ArrayList<>();
      model
          .mamba2()
          .run(
              List.of(
                  new Span(one, tokens, 0, 30, 5, (at, x, row) -> calls.add("one " + at)),
                  new Span(two, tokens, 3, 4, 4, (at, x, row) -> calls.add("two " + at)),
                  new Span(three, tokens, 20, 30, 0, (at, x, row) -> calls.add("three " + at))));
      List<String> expected = new ArrayList<>();
      for (int at = 5; at < 30; at++) {
        expected.add("one " + at);
      }
      for (int at = 20; at < 30; at++) {
        expected.add("three " + at);
      }
      assertThat(calls).isEqualTo(expected);
    }
  }

  @Test
  void refusesWhatDoesNotFitAndReadsNothing() throws IOException {
    try (LanguageModel model = open(TensorType.F32);
        Mamba2State one = model.mamba2().newState();
        Mamba2State two = model.mamba2().newState()) {
      Mamba2 mamba = model.mamba2();
      LogitsListener none = LogitsListener.NONE;
      assertRefuses(mamba, "same state", Span.step(one, 1, none), Span.step(one, 2, none));
      assertRefuses(
          mamba,
          "token 4096 is not in the vocabulary of 4096",
          Span.step(one, 1, none),
          Span.step(two, 4096, none));
      int most = Mamba2.PASS_TOKENS;
      assertRefuses(
          mamba,
          (most + 1) + " tokens for one pass, which takes " + most,
          Span.step(one, 1, none),
          new Span(two, new int[most], 0, most, most, none));
      assertThatThrownBy(() -> new Span(one, new int[3], 2, 2, 0, none))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> new Span(one, new int[3], 2, 4, 0, none))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThat(one.position()).isZero();
      assertThat(two.position()).isZero();
      mamba.run(List.of());
    }
  }

  @Test
  void aListenerCannotCallTheModelThatCallsIt() throws IOException {
    try (LanguageModel model = open(TensorType.F32);
        Mamba2State one = model.mamba2().newState();
        Mamba2State two = model.mamba2().newState()) {
      LogitsListener nested =
          (position, logits, row) -> model.mamba2().step(two, 1, new float[4096]);
      assertThatThrownBy(() -> model.mamba2().run(List.of(Span.step(one, 1, nested))))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("listener");
      model.mamba2().step(two, 1, new float[4096]); // the model is as good as before
      assertThat(two.position()).isEqualTo(1);
    }
  }

  private static void assertRefuses(Mamba2 model, String message, Span... spans) {
    assertThatThrownBy(() -> model.run(List.of(spans)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  private static LanguageModel open(TensorType type) throws IOException {
    Path file = folder.resolve(type + ".gguf");
    if (!file.toFile().exists()) {
      Fixtures.write(Fixtures.checkpoint("tiny"), type, file);
    }
    return LanguageModel.open(file, TWO_THREADS);
  }

  private static void assertClose(float[] given, float[] expected, String what) {
    float largest = 0;
    for (int i = 0; i < expected.length; i++) {
      float error = Math.abs(given[i] - expected[i]);
      largest = error <= largest ? largest : error; // keeps a NaN
    }
    assertThat(largest).as(what).isLessThanOrEqualTo(BOUND);
  }
}
