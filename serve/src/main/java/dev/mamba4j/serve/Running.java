package dev.mamba4j.serve;

import dev.mamba4j.engine.Continuation;
import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.LogitsListener;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.Span;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.kernels.Vectors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A sequence that the scheduler runs: first its prompt, then one continuation of it. */
final class Running {
  private final LanguageModel model;
  private final Sequence sequence;
  private final int choice;
  private final Mamba2State state;
  private final Continuation continuation;
  private final float[] logits; // (vocabulary), after the token read last
  private final int cached;
  private final int[] snapshots;
  private int read;
  private int slots;

  /**
   * A sequence whose prompt has been read up to a point.
   *
   * @param state holds the first {@code cached} tokens of the prompt
   * @param branch a length at which this prompt parts from another, worth remembering
   */
  static Running begin(
      LanguageModel model, Sequence sequence, Mamba2State state, int cached, int branch)
      throws FormatException {
    int[] snapshots = sequence.snapshots(cached);
    if (branch > cached && Arrays.binarySearch(snapshots, branch) < 0) {
      snapshots = Arrays.copyOf(snapshots, snapshots.length + 1);
      snapshots[snapshots.length - 1] = branch;
      Arrays.sort(snapshots);
    }
    float[] logits = new float[model.mamba2().config().vocabulary()];
    return new Running(model, sequence, 0, state, logits, cached, snapshots);
  }

  private Running(
      LanguageModel model,
      Sequence sequence,
      int choice,
      Mamba2State state,
      float[] logits,
      int cached,
      int[] snapshots)
      throws FormatException {
    this.model = model;
    this.sequence = sequence;
    this.choice = choice;
    this.state = state;
    this.logits = logits;
    this.cached = cached;
    this.snapshots = snapshots;
    read = cached;
    slots = choice == 0 ? sequence.width() : 1;
    continuation =
        new Continuation(
            model.tokenizer(),
            sequence.options().get(choice),
            model.vocabulary(),
            () -> Arrays.stream(sequence.prompt()).iterator());
  }

  /** The other choices, each with a copy of the state; the prompt must have been read. */
  List<Running> siblings() throws FormatException {
    List<Running> others = new ArrayList<>();
    for (int i = 1; i < sequence.width(); i++) {
      Running other =
          new Running(model, sequence, i, state.fork(), logits.clone(), cached, new int[0]);
      other.read = read;
      others.add(other);
    }
    slots = 1;
    return others;
  }

  /** How many of the places for sequences it takes: those of its siblings too, until they run. */
  int slots() {
    return slots;
  }

  Sequence sequence() {
    return sequence;
  }

  Mamba2State state() {
    return state;
  }

  boolean readsPrompt() {
    return read < sequence.prompt().length;
  }

  /** Whether it has read a token of its own; the end of the prompt has been seen to before. */
  boolean readsAnswer() {
    return state.position() > sequence.prompt().length;
  }

  /** Whether nobody wants more of it. */
  boolean cancelled() {
    return sequence.cancelled().get();
  }

  /** The next part of the prompt, at most {@code most} tokens; ends where a snapshot is due. */
  Span promptSpan(int most) {
    int[] prompt = sequence.prompt();
    int to = Math.min(prompt.length, read + most);
    for (int snapshot : snapshots) {
      if (snapshot > read && snapshot < to) {
        to = snapshot;
      }
    }
    boolean all = sequence.promptListener() != null;
    return new Span(state, prompt, read, to, all ? read : prompt.length - 1, this::takePrompt);
  }

  private void takePrompt(int position, Vectors rows, int row) {
    rows.read(row, logits);
    if (sequence.promptListener() != null) {
      sequence.promptListener().read(position, LogProbabilities.of(logits, model.vocabulary()));
    }
  }

  /** A part of the prompt has been read. */
  void advance(int tokens) {
    read += tokens;
  }

  /** Whether the state as it is now is worth remembering. */
  boolean atSnapshot() {
    return Arrays.binarySearch(snapshots, read) >= 0;
  }

  /** The tokens of the prompt that have been read. */
  int[] readTokens() {
    return Arrays.copyOf(sequence.prompt(), read);
  }

  /** The token chosen last, to be read. */
  Span stepSpan() {
    LogitsListener listener = (position, rows, row) -> rows.read(row, logits);
    return Span.step(state, continuation.lastToken(), listener);
  }

  /**
   * Chooses the next token.
   *
   * @return whether the continuation goes on
   */
  boolean choose(long now) {
    Choice listener = sequence.choices().get(choice);
    if (!continuation.ended()) {
      LogProbabilities distribution =
          sequence.distributions() ? LogProbabilities.of(logits, model.vocabulary()) : null;
      String piece = continuation.next(logits);
      listener.token(continuation.lastChosen(), piece, distribution);
    }
    if (continuation.ended() || now - sequence.deadline() >= 0) {
      listener.ended(continuation.reason().orElse(Generation.Reason.LENGTH), cached);
      return false;
    }
    return true;
  }

  /** Prompt and continuation, as far as the state has read them. */
  int[] allReadTokens() {
    int[] prompt = sequence.prompt();
    int[] all = Arrays.copyOf(prompt, (int) state.position());
    List<Integer> generated = continuation.tokens();
    for (int i = prompt.length; i < all.length; i++) {
      all[i] = generated.get(i - prompt.length);
    }
    return all;
  }

  /** Tells why it will not be ended. */
  void fail(RuntimeException cause) {
    sequence.choices().get(choice).failed(cause);
  }
}
