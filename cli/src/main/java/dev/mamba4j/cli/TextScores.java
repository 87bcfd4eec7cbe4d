package dev.mamba4j.cli;

import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.kernels.Vectors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects the log-probabilities of the tokens of a text while a model reads it. */
final class TextScores extends ReadingProgress {
  private final int[] tokens;
  private final float[] logits;
  private final int top;
  private final int topAfter;
  private final List<Object> logProbabilities = new ArrayList<>();
  private final List<Object> tops = new ArrayList<>();
  private List<Object> next = List.of();

  /**
   * @param vocabulary how many logits there are
   * @param top how many of the most probable tokens are wanted at each place, 0 for none
   * @param topAfter how many after the last, 0 for none
   */
  TextScores(Console console, int[] tokens, int vocabulary, int top, int topAfter) {
    super(console);
    this.tokens = tokens;
    this.logits = new float[vocabulary];
    this.top = top;
    this.topAfter = topAfter;
    if (tokens.length > 0) {
      logProbabilities.add(null); // nothing comes before the first token
      tops.add(null);
    }
  }

  @Override
  public int firstLogits(int total) {
    return 0;
  }

  @Override
  public void logits(int position, Vectors all, int row) {
    boolean last = position == tokens.length - 1;
    if (last && topAfter == 0) {
      return;
    }
    all.read(row, logits);
    if (last) {
      next = pairs(LogProbabilities.of(logits, logits.length), topAfter);
    } else if (top == 0) {
      double logSum = LogProbabilities.logSumExp(logits, logits.length);
      logProbabilities.add((float) (logits[tokens[position + 1]] - logSum));
    } else {
      LogProbabilities given = LogProbabilities.of(logits, logits.length);
      logProbabilities.add(given.get(tokens[position + 1]));
      tops.add(pairs(given, top));
    }
  }

  private static List<Object> pairs(LogProbabilities given, int count) {
    List<Object> pairs = new ArrayList<>(count);
    for (LogProbabilities.Entry entry : given.top(count)) {
      pairs.add(List.of(entry.token(), entry.logProbability()));
    }
    return pairs;
  }

  /** The result, its fields in the order that the help gives. */
  Map<String, Object> toJson() {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("tokens", Arrays.stream(tokens).boxed().toList());
    result.put("logprobs", logProbabilities);
    if (top > 0) {
      result.put("top", tops);
    }
    if (topAfter > 0) {
      result.put("next", next);
    }
    return result;
  }
}
