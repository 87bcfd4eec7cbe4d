package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.LogitsListener;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.Span;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.kernels.Vectors;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Has a model tell how probable continuations are. What requests have in common at their start is
 * read once: where their tokens part, the state is forked, and the branches are read together, so
 * that short continuations share the reading of the weights. Logits are computed only at positions
 * whose next token counts.
 */
final class RequestScorer {
  private final LanguageModel model;
  private final Mamba2 mamba2;
  private final List<float[]> free = new ArrayList<>(); // rows of logits: (vocabulary)

  RequestScorer(LanguageModel model) {
    this.model = model;
    mamba2 = model.mamba2();
  }

  /**
   * Scores requests, best those with the same context.
   *
   * @throws FormatException if the model has no tokenizer
   * @throws InterruptedIOException if the thread is interrupted
   */
  List<Response> score(List<Request> requests) throws FormatException, InterruptedIOException {
    List<Sequence> sequences = new ArrayList<>();
    for (Request request : requests) {
      sequences.add(Sequence.of(model.tokenizer(), request));
    }
    try (States states = new States()) {
      List<Group> level = List.of(new Group(states.add(mamba2.newState()), sequences, 0));
      while (!level.isEmpty()) {
        read(level);
        level = level.stream().flatMap(group -> group.branches(states).stream()).toList();
      }
    }
    return sequences.stream().map(Sequence::response).toList();
  }

  /** States to be freed together; as many as there are sequences, at most. */
  private static final class States implements AutoCloseable {
    private final List<Mamba2State> all = new ArrayList<>();

    Mamba2State add(Mamba2State state) {
      all.add(state);
      return state;
    }

    @Override
    public void close() {
      all.forEach(Mamba2State::close);
    }
  }

  /**
   * Reads what the sequences of each group have in common, as many tokens in a pass as it takes.
   */
  private void read(List<Group> groups) throws InterruptedIOException {
    List<Span> pass = new ArrayList<>();
    int room = Mamba2.PASS_TOKENS;
    for (Group group : groups) {
      for (int at = group.from; at < group.to; ) {
        int end = Math.min(group.to, at + room);
        pass.add(group.span(at, end));
        room -= end - at;
        at = end;
        if (room == 0) {
          run(pass);
          pass.clear();
          room = Mamba2.PASS_TOKENS;
        }
      }
    }
    run(pass);
    groups.parallelStream().forEach(Group::count);
    for (Group group : groups) {
      free.addAll(group.logits);
    }
  }

  private void run(List<Span> pass) throws InterruptedIOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException("interrupted");
    }
    mamba2.run(pass);
  }

  /** Sequences that are the same up to a position; the state has read as far as {@code from}. */
  private final class Group implements LogitsListener {
    private final Mamba2State state;
    private final List<Sequence> sequences;
    private final int from;
    private final int to;
    private final int[] tokens; // [0, to)
    private final int firstScored;
    private final List<float[]> logits = new ArrayList<>(); // at the positions from firstScored on

    Group(Mamba2State state, List<Sequence> sequences, int from) {
      this.state = state;
      this.sequences = sequences;
      this.from = from;
      to = commonEnd(sequences, from);
      tokens = sequences.getFirst().tokens(0, to);
      int first = sequences.stream().mapToInt(Sequence::firstScored).min().orElse(to);
      firstScored = Math.max(from, first);
    }

    private static int commonEnd(List<Sequence> group, int from) {
      int end = group.stream().mapToInt(Sequence::readLength).min().orElse(from);
      Sequence first = group.getFirst();
      int at = from;
      while (at < end && same(group, first.token(at), at)) {
        at++;
      }
      return at;
    }

    private static boolean same(Collection<Sequence> group, int token, int position) {
      return group.stream().allMatch(sequence -> sequence.token(position) == token);
    }

    Span span(int first, int end) {
      return new Span(state, tokens, first, end, firstScored, this);
    }

    @Override
    public void logits(int position, Vectors all, int row) {
      float[] copy = free.isEmpty() ? new float[mamba2.config().vocabulary()] : free.removeLast();
      all.read(row, copy);
      logits.add(copy);
    }

    /** Looks at the rows on all processors, but adds up in the order of positions. */
    void count() {
      RowSummary[] rows = logits.parallelStream().map(RowSummary::of).toArray(RowSummary[]::new);
      for (Sequence sequence : sequences) {
        for (int at = Math.max(sequence.firstScored(), from); at < to; at++) {
          int row = at - firstScored;
          double logit = logits.get(row)[sequence.token(at + 1)];
          sequence.count(at, logit - rows[row].logSum, rows[row].best);
        }
      }
    }

    /** What goes on where the sequences part; the state goes on with the last. */
    List<Group> branches(States states) {
      Map<Integer, List<Sequence>> byToken = new LinkedHashMap<>();
      for (Sequence sequence : sequences) {
        if (sequence.readLength() > to) {
          byToken.computeIfAbsent(sequence.token(to), _ -> new ArrayList<>()).add(sequence);
        }
      }
      List<Group> branches = new ArrayList<>();
      for (List<Sequence> branch : byToken.values()) {
        boolean last = branches.size() == byToken.size() - 1;
        branches.add(new Group(last ? state : states.add(state.fork()), branch, to));
      }
      return branches;
    }
  }

  /**
   * What a row of logits is like.
   *
   * @param logSum log Σ e^logit
   * @param best the token with the highest
   */
  private record RowSummary(double logSum, int best) {
    static RowSummary of(float[] logits) {
      int best = 0;
      for (int i = 1; i < logits.length; i++) {
        if (logits[i] > logits[best]) {
          best = i;
        }
      }
      return new RowSummary(LogProbabilities.logSumExp(logits, logits.length), best);
    }
  }
}
