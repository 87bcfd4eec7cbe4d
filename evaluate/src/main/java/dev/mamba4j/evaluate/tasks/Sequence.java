package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.Arrays;

/** The tokens of a request, and what is known so far of the probability of those that count. */
final class Sequence {
  private final int[] tokens;
  private final int contextLength;
  private double logLikelihood;
  private boolean greedy = true;

  private Sequence(int[] tokens, int contextLength) {
    this.tokens = tokens;
    this.contextLength = contextLength;
  }

  /**
   * The tokens as lm-eval makes them: those of the context, and those that the whole has beyond as
   * many. Spaces at the end of the context go to the continuation. Without a context, the token
   * that begins a text comes first.
   */
  static Sequence of(Tokenizer tokenizer, Request request) {
    String context = PythonText.rstrip(request.context());
    if (context.isEmpty()) {
      int begin = tokenizer.bos().orElse(tokenizer.eos().orElse(0));
      int[] continuation = tokenizer.encode(request.context() + request.continuation(), true);
      return joined(new int[] {begin}, continuation, 0);
    }
    int[] before = tokenizer.encode(context, true);
    int[] whole = tokenizer.encode(request.context() + request.continuation(), true);
    return joined(before, whole, Math.min(before.length, whole.length));
  }

  private static Sequence joined(int[] context, int[] whole, int from) {
    int[] tokens = Arrays.copyOf(context, context.length + whole.length - from);
    System.arraycopy(whole, from, tokens, context.length, whole.length - from);
    return new Sequence(tokens, context.length);
  }

  int token(int position) {
    return tokens[position];
  }

  int[] tokens(int from, int to) {
    return Arrays.copyOfRange(tokens, from, to);
  }

  /** How many tokens are read; the last is only scored. */
  int readLength() {
    return tokens.length - 1;
  }

  /** The first position whose logits count: those that predict the first scored token. */
  int firstScored() {
    return contextLength - 1;
  }

  /**
   * Counts the token after a position.
   *
   * @param logProbability of that token
   * @param best the most probable token there
   */
  void count(int position, double logProbability, int best) {
    logLikelihood += logProbability;
    greedy &= best == tokens[position + 1];
  }

  Response response() {
    return new Response(logLikelihood, greedy);
  }
}
