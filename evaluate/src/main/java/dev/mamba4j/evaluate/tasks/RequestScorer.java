package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.kernels.Vectors;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Has a model tell how probable continuations are. What requests have in common at their start is
 * read once: where their tokens part, the state is forked. Logits are computed only at positions
 * whose next token counts.
 */
final class RequestScorer {
  private final LanguageModel model;
  private final Rows rows;

  RequestScorer(LanguageModel model) {
    this.model = model;
    rows = new Rows(model.mamba2().config().vocabulary());
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
    try (Mamba2State state = model.mamba2().newState()) {
      read(state, sequences, 0);
    }
    return sequences.stream().map(Sequence::response).toList();
  }

  /** Reads sequences on from a position up to which they are the same, and the state has read. */
  private void read(Mamba2State state, List<Sequence> group, int from)
      throws InterruptedIOException {
    int to = commonEnd(group, from);
    readCommon(state, group, from, to);
    Map<Integer, List<Sequence>> branches = new LinkedHashMap<>();
    for (Sequence sequence : group) {
      if (sequence.readLength() > to) {
        branches.computeIfAbsent(sequence.token(to), _ -> new ArrayList<>()).add(sequence);
      }
    }
    int left = branches.size();
    for (List<Sequence> branch : branches.values()) {
      left--;
      if (left == 0) {
        read(state, branch, to);
      } else {
        try (Mamba2State fork = state.fork()) {
          read(fork, branch, to);
        }
      }
    }
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

  private void readCommon(Mamba2State state, List<Sequence> group, int from, int to)
      throws InterruptedIOException {
    int first = group.stream().mapToInt(Sequence::firstScored).min().orElse(to);
    rows.begin(Math.max(0, first - from));
    if (!model.mamba2().prefill(state, group.getFirst().tokens(from, to), rows)) {
      throw new InterruptedIOException("interrupted");
    }
    rows.evaluate();
    for (Sequence sequence : group) {
      for (int at = Math.max(sequence.firstScored(), from); at < to; at++) {
        int row = at - from - rows.first;
        double logit = rows.logits.get(row)[sequence.token(at + 1)];
        sequence.count(at, logit - rows.logSums[row], rows.best[row]);
      }
    }
  }

  /** The logits that a prefill gave, kept to be looked at on all processors. */
  private static final class Rows implements PrefillListener {
    private final int vocabulary;
    private final List<float[]> logits = new ArrayList<>(); // reused: (count, vocabulary)
    private double[] logSums = {};
    private int[] best = {};
    private int first;
    private int count;

    Rows(int vocabulary) {
      this.vocabulary = vocabulary;
    }

    void begin(int firstPosition) {
      first = firstPosition;
      count = 0;
    }

    @Override
    public boolean progress(int done, int total) {
      return !Thread.currentThread().isInterrupted();
    }

    @Override
    public int firstLogits(int total) {
      return first;
    }

    @Override
    public void logits(int position, Vectors all, int row) {
      if (count == logits.size()) {
        logits.add(new float[vocabulary]);
      }
      all.read(row, logits.get(count));
      count++;
    }

    void evaluate() {
      logSums = new double[count];
      best = new int[count];
      IntStream.range(0, count).parallel().forEach(this::evaluate);
    }

    private void evaluate(int row) {
      float[] values = logits.get(row);
      logSums[row] = LogProbabilities.logSumExp(values, vocabulary);
      int highest = 0;
      for (int i = 1; i < vocabulary; i++) {
        if (values[i] > values[highest]) {
          highest = i;
        }
      }
      best[row] = highest;
    }
  }
}
