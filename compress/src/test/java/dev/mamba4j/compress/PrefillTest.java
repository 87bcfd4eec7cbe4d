package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Vectors;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How prefill goes on, stops and is forked; {@link AgreementTest} compares it with steps. */
class PrefillTest {
  private static final float BOUND = 1e-4f;

  private static final int LONGEST = 200;
  private static final ModelOptions TWO_THREADS =
      new ModelOptions(2, Precision.FAST, Optional.empty());

  @TempDir private static Path folder;
  private static final Map<TensorType, Path> FILES = new ConcurrentHashMap<>();

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 127, 128, 129, 160})
  void goesOnFromWhereAnotherEnded(int split) throws IOException {
    int[] tokens = tokens(LONGEST);
    try (LanguageModel model = open(TensorType.Q8_0);
        Mamba2State state = model.mamba2().newState()) {
      float[][] steps = steps(model.mamba2(), tokens);
      prefill(model.mamba2(), state, Arrays.copyOf(tokens, split));
      float[] last =
          prefill(model.mamba2(), state, Arrays.copyOfRange(tokens, split, tokens.length));
      assertClose(last, steps[LONGEST - 1], "two prompts");
      assertThat(state.position()).isEqualTo(LONGEST);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 127, 128, 140, 198, 199, 200})
  void givesLogitsFromThePositionThatIsAskedFor(int first) throws IOException {
    int[] tokens = tokens(LONGEST);
    try (LanguageModel model = open(TensorType.Q8_0);
        Mamba2State state = model.mamba2().newState()) {
      float[][] steps = steps(model.mamba2(), tokens);
      AllLogits all = new AllLogits(first, model.mamba2().config().vocabulary());
      model.mamba2().prefill(state, tokens, all);
      assertThat(all.rows).hasSize(LONGEST - first);
      all.rows.forEach((position, row) -> assertClose(row, steps[position], "at " + position));
    }
  }

  @Test
  void aCancelledOneSaysHowFarItCameAndGoesOnFromThere() throws IOException {
    int[] tokens = tokens(LONGEST);
    try (LanguageModel model = open(TensorType.Q8_0);
        Mamba2State state = model.mamba2().newState()) {
      PrefillListener cancelled =
          new PrefillListener() {
            @Override
            public boolean progress(int done, int total) {
              assertThat(total).isEqualTo(LONGEST);
              return done == 0;
            }
          };
      assertThat(model.mamba2().prefill(state, tokens, cancelled)).isFalse();
      int read = (int) state.position();
      assertThat(read).isBetween(1, LONGEST - 1);
      float[] last =
          prefill(model.mamba2(), state, Arrays.copyOfRange(tokens, read, tokens.length));
      assertClose(last, steps(model.mamba2(), tokens)[LONGEST - 1], "read on");
    }
  }

  /** At any moment, so in the middle of a block; others read before it goes on. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6})
  void aCancelledOneGoesOnFromTheMiddleOfABlock(int calls) throws IOException {
    int[] tokens = tokens(LONGEST);
    try (LanguageModel model = open(TensorType.Q8_0);
        Mamba2State state = model.mamba2().newState();
        Mamba2State other = model.mamba2().newState()) {
      float[][] steps = steps(model.mamba2(), tokens);
      Countdown countdown = new Countdown(calls);
      assertThat(model.mamba2().prefill(state, tokens, countdown)).isFalse();
      int read = (int) state.position();
      model.mamba2().step(other, tokens[0], new float[model.mamba2().config().vocabulary()]);
      try (Mamba2State fork = state.fork()) {
        assertClose(prefillAfter(model.mamba2(), fork, tokens), steps[LONGEST - 1], "a fork");
        assertThat(fork.position()).isEqualTo(LONGEST);
      }
      if (read < LONGEST) {
        float[] last = new float[model.mamba2().config().vocabulary()];
        model.mamba2().step(state, tokens[read], last);
        assertClose(last, steps[read], "a step");
      }
    }
  }

  /** Reads what is left, be it nothing, and gives the logits after the last token. */
  private static float[] prefillAfter(Mamba2 model, Mamba2State state, int[] tokens) {
    int[] rest = Arrays.copyOfRange(tokens, (int) state.position(), tokens.length);
    AllLogits last = new AllLogits(rest.length - 1, model.config().vocabulary());
    assertThat(model.prefill(state, rest, last)).isTrue();
    return last.rows.get(rest.length - 1);
  }

  /** Cancels at a call. */
  private static final class Countdown implements PrefillListener {
    private int left;

    Countdown(int calls) {
      left = calls;
    }

    @Override
    public boolean progress(int done, int total) {
      return --left > 0;
    }
  }

  @Test
  void aForkGoesItsOwnWay() throws IOException {
    int[] tokens = tokens(LONGEST);
    try (LanguageModel model = open(TensorType.Q8_0);
        Mamba2State state = model.mamba2().newState()) {
      prefill(model.mamba2(), state, Arrays.copyOf(tokens, 70));
      float[] first = new float[model.mamba2().config().vocabulary()];
      float[] second = first.clone();
      try (Mamba2State fork = state.fork()) {
        model.mamba2().step(state, tokens[70], first);
        assertThat(fork.position()).isEqualTo(70);
        model.mamba2().step(fork, tokens[70], second);
      }
      assertThat(second).isEqualTo(first);
      state.reset();
      assertThat(state.position()).isZero();
      model.mamba2().step(state, tokens[0], first);
      assertThat(first).isEqualTo(steps(model.mamba2(), Arrays.copyOf(tokens, 1))[0]);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 4096, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void readsNothingOfAPromptWithATokenThatIsNone(int token) throws IOException {
    int[] tokens = tokens(LONGEST);
    tokens[LONGEST - 1] = token;
    try (LanguageModel model = open(TensorType.Q8_0);
        Mamba2State state = model.mamba2().newState()) {
      String message = "token " + token + " is not in the vocabulary of 4096";
      assertThatThrownBy(() -> model.mamba2().prefill(state, tokens, PrefillListener.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(message);
      assertThatThrownBy(() -> model.mamba2().step(state, token, new float[4096]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(message);
      assertThat(state.position()).isZero();
    }
  }

  /** Once compiled; before, escape analysis has not yet taken the small objects away. */
  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"F32", "Q8_0"})
  void stepsAllocateNothing(TensorType type) throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long[] others = threads.getAllThreadIds();
    try (LanguageModel model = open(type);
        Mamba2State state = model.mamba2().newState()) {
      long[] own = ownThreads(threads.getAllThreadIds(), others);
      assertThat(own).hasSizeGreaterThanOrEqualTo(2);
      float[] logits = new float[model.mamba2().config().vocabulary()];
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 400 && least > 0; round++) {
        long before = allocated(threads, own);
        for (int i = 0; i < 50; i++) {
          model.mamba2().step(state, i, logits);
        }
        least = Math.min(least, allocated(threads, own) - before);
      }
      assertThat(least).isZero();
    }
  }

  /** The calling thread and those that came with the model. */
  private static long[] ownThreads(long[] all, long[] others) {
    long caller = Thread.currentThread().threadId();
    return Arrays.stream(all)
        .filter(id -> id == caller || Arrays.stream(others).noneMatch(other -> other == id))
        .toArray();
  }

  /** The array that the bean makes is the caller's allocation, so it is asked one by one. */
  private static long allocated(ThreadMXBean threads, long[] ids) {
    long sum = 0;
    for (long id : ids) {
      sum += threads.getThreadAllocatedBytes(id);
    }
    return sum;
  }

  private static LanguageModel open(TensorType type) throws IOException {
    Path file = FILES.get(type);
    if (file == null) {
      file = Fixtures.write(Fixtures.checkpoint("tiny"), type, folder.resolve(type + ".gguf"));
      FILES.put(type, file);
    }
    return LanguageModel.open(file, TWO_THREADS);
  }

  /** The reference prompt, over and over. */
  private static int[] tokens(int count) throws IOException {
    int[] prompt = Fixtures.prompt();
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = prompt[i % prompt.length];
    }
    return tokens;
  }

  private static float[][] steps(Mamba2 model, int[] tokens) {
    float[][] logits = new float[tokens.length][model.config().vocabulary()];
    try (Mamba2State state = model.newState()) {
      for (int i = 0; i < tokens.length; i++) {
        model.step(state, tokens[i], logits[i]);
      }
    }
    return logits;
  }

  private static float[] prefill(Mamba2 model, Mamba2State state, int[] tokens) {
    AllLogits last = new AllLogits(tokens.length - 1, model.config().vocabulary());
    assertThat(model.prefill(state, tokens, last)).isTrue();
    return last.rows.get(tokens.length - 1);
  }

  private static void assertClose(float[] given, float[] expected, String what) {
    float largest = 0;
    for (int i = 0; i < expected.length; i++) {
      float error = Math.abs(given[i] - expected[i]);
      largest = error <= largest ? largest : error; // keeps a NaN
    }
    assertThat(largest).as(what).isLessThanOrEqualTo(BOUND);
  }

  private static final class AllLogits implements PrefillListener {
    final Map<Integer, float[]> rows = new TreeMap<>();
    private final int first;
    private final int vocabulary;

    AllLogits(int first, int vocabulary) {
      this.first = first;
      this.vocabulary = vocabulary;
    }

    @Override
    public int firstLogits(int total) {
      return first;
    }

    @Override
    public void logits(int position, Vectors all, int row) {
      float[] copy = new float[vocabulary];
      all.read(row, copy);
      rows.put(position, copy);
    }
  }
}
