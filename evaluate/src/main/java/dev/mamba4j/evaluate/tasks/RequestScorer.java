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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Has a model tell how probable continuations are. What requests have in common at their start is
 * read once: where their tokens part, the state is forked. Passes are filled from all that is ready
 * to be read, so that short texts share the reading of the weights. Logits are computed only at
 * positions whose next token counts.
 */
final class RequestScorer {
  private static final long STATE_BYTES = 512L << 20;
  private static final int MOST_REQUESTS = 64;

  private final LanguageModel model;
  private final Mamba2 mamba2;
  private final List<Row> rows = new ArrayList<>(); // of the pass that runs
  private final List<float[]> free = new ArrayList<>(); // logits of rows: (vocabulary)

  RequestScorer(LanguageModel model) {
    this.model = model;
    mamba2 = model.mamba2();
  }

  /**
   * How many requests are best scored together: enough to fill passes, and no more than a bounded
   * memory has states for.
   */
  int bestCount() {
    return Math.clamp(STATE_BYTES / mamba2.config().stateBytes(), 1, MOST_REQUESTS);
  }

  /**
   * Scores requests; those that begin alike share the reading of what they have in common.
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
      Deque<Group> ready = new ArrayDeque<>();
      if (!sequences.isEmpty()) {
        ready.add(new Group(states.add(mamba2.newState()), sequences, 0));
      }
      while (!ready.isEmpty()) {
        List<Group> ends = new ArrayList<>();
        run(fill(ready, ends));
        for (Group group : ends) {
          group.branches(states).forEach(ready::addFirst);
        }
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
   * As many tokens as a pass takes, of groups that are ready.
   *
   * @param ends gets those of which the pass reads the last token
   */
  private static List<Span> fill(Deque<Group> ready, List<Group> ends) {
    List<Span> pass = new ArrayList<>();
    int room = Mamba2.PASS_TOKENS;
    while (room > 0 && !ready.isEmpty()) {
      Group group = ready.getFirst();
      int count = Math.min(group.left(), room);
      if (count > 0) {
        pass.add(group.next(count));
        room -= count;
      }
      if (group.left() == 0) {
        ends.add(ready.removeFirst());
      }
    }
    return pass;
  }

  private void run(List<Span> pass) throws InterruptedIOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException("interrupted");
    }
    mamba2.run(pass);
    count();
  }

  /** Looks at the rows of a pass on all processors, but adds up in the order of positions. */
  private void count() {
    RowSummary[] summaries =
        rows.parallelStream().map(row -> RowSummary.of(row.logits)).toArray(RowSummary[]::new);
    for (int i = 0; i < summaries.length; i++) {
      Row row = rows.get(i);
      row.group.count(row, summaries[i]);
      free.add(row.logits);
    }
    rows.clear();
  }

  /** The logits after a position of a group. */
  @SuppressWarnings("ArrayRecordComponent") // one pass long, and never compared
  private record Row(Group group, int position, float[] logits) {}

  /** Sequences that are the same up to a position; the state has read as far as {@code from}. */
  private final class Group implements LogitsListener {
    private final Mamba2State state;
    private final List<Sequence> sequences;
    private final int to;
    private final int[] tokens; // [0, to)
    private final int firstScored;
    private int at; // what is to be read next

    Group(Mamba2State state, List<Sequence> sequences, int from) {
      this.state = state;
      this.sequences = sequences;
      at = from;
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

    int left() {
      return to - at;
    }

    Span next(int count) {
      int from = at;
      at += count;
      return new Span(state, tokens, from, at, firstScored, this);
    }

    @Override
    public void logits(int position, Vectors all, int row) {
      float[] copy = free.isEmpty() ? new float[mamba2.config().vocabulary()] : free.removeLast();
      all.read(row, copy);
      rows.add(new Row(this, position, copy));
    }

    void count(Row row, RowSummary summary) {
      for (Sequence sequence : sequences) {
        if (row.position >= sequence.firstScored()) {
          double logit = row.logits[sequence.token(row.position + 1)];
          sequence.count(row.position, logit - summary.logSum, summary.best);
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
