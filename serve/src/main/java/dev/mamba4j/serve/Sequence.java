package dev.mamba4j.serve;

import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.sampling.LogProbabilities;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/**
 * A prompt to be read and continued, once or several times.
 *
 * @param prompt at least one token
 * @param options of each continuation
 * @param choices the continuations; each is sampled by itself
 * @param promptListener told of the prompt's distributions, or null
 * @param distributions whether choices are told the distribution of each token
 * @param marks lengths of the prompt after which the state is worth remembering, such as the ends
 *     of turns
 * @param cancelled set when nobody waits for the result any more
 * @param deadline of System.nanoTime, when continuations end
 * @param saving told of the state at the end of the prompt, which is to stay; or null
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
record Sequence(
    int[] prompt,
    List<GenerationOptions> options,
    List<Choice> choices,
    PromptListener promptListener,
    boolean distributions,
    int[] marks,
    AtomicBoolean cancelled,
    long deadline,
    SaveListener saving) {
  private static final int SHORTEST_TAIL = 16;

  /** Told when a state has been saved. */
  interface SaveListener {
    void saved(String id);

    void failed(Exception cause);
  }

  /** Told what the model expects after each token of a prompt. */
  @FunctionalInterface
  interface PromptListener {
    /**
     * A token has been read.
     *
     * @param position its index in the prompt
     */
    void read(int position, LogProbabilities next);
  }

  /** A sequence of which no more than the choices is wanted. */
  static Sequence of(
      int[] prompt,
      List<GenerationOptions> options,
      List<Choice> choices,
      AtomicBoolean cancelled,
      long deadline) {
    return new Sequence(
        prompt, options, choices, null, false, new int[0], cancelled, deadline, null);
  }

  /**
   * The same, with distributions told to the choices.
   *
   * @param listener to be told those of the prompt, or null
   */
  Sequence telling(PromptListener listener) {
    return new Sequence(
        prompt, options, choices, listener, true, marks, cancelled, deadline, saving);
  }

  /** The same, to be remembered after these lengths of the prompt too. */
  Sequence marked(int... lengths) {
    return new Sequence(
        prompt,
        options,
        choices,
        promptListener,
        distributions,
        lengths,
        cancelled,
        deadline,
        saving);
  }

  /** The same, with the state at the end of the prompt to stay. */
  Sequence saving(SaveListener listener) {
    return new Sequence(
        prompt,
        options,
        choices,
        promptListener,
        distributions,
        marks,
        cancelled,
        deadline,
        listener);
  }

  Sequence {
    if (prompt.length == 0 || choices.isEmpty() || choices.size() != options.size()) {
      throw new IllegalArgumentException("a sequence of nothing");
    }
  }

  /** How many states it takes. */
  int width() {
    return choices.size();
  }

  /**
   * Where states are remembered, in order: at the marks, at the end, and at growing distances from
   * it, so that a prompt which differs in its last tokens only finds most of this one.
   *
   * @param from those up to here are remembered already
   */
  int[] snapshots(int from) {
    IntStream backwards =
        IntStream.iterate(SHORTEST_TAIL, tail -> tail < prompt.length / 2, tail -> 2 * tail)
            .map(tail -> prompt.length - tail);
    return IntStream.concat(
            IntStream.concat(Arrays.stream(marks), backwards), IntStream.of(prompt.length))
        .filter(length -> length > from && length <= prompt.length)
        .distinct()
        .sorted()
        .toArray();
  }

  /** All choices fail. */
  void fail(RuntimeException cause) {
    choices.forEach(choice -> choice.failed(cause));
  }
}
