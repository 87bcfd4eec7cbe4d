package dev.mamba4j.engine;

import dev.mamba4j.engine.sampling.Sampler;
import dev.mamba4j.engine.sampling.StopSequences;
import dev.mamba4j.engine.tokenizer.StreamingDecoder;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One generation, token by token: takes the logits of each step, chooses a token and tells the text
 * that has become certain. Whoever runs the model reads the token and comes back with the next
 * logits. For one thread at a time.
 */
public final class Continuation {
  private static final int NONE = -1;

  private final Tokenizer tokenizer;
  private final GenerationOptions options;
  private final int vocabulary;
  private final Sampler sampler;
  private final StopSequences stops;
  private final StreamingDecoder decoder;
  private final List<Integer> tokens = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private Generation.Reason reason;
  private int lastChosen = NONE;

  /**
   * A generation that has not begun. With no tokens to generate it has ended at once.
   *
   * @param vocabulary how many ids may be sampled
   * @param history the tokens before, for the penalties
   * @throws IllegalArgumentException if a stop text is empty
   */
  public Continuation(
      Tokenizer tokenizer, GenerationOptions options, int vocabulary, Iterable<Integer> history) {
    this.tokenizer = tokenizer;
    this.options = options;
    this.vocabulary = vocabulary;
    sampler = new Sampler(options.sampling());
    stops = new StopSequences(options.stop());
    decoder = tokenizer.streamingDecoder();
    history.forEach(sampler::accept);
    reason = options.maxTokens() == 0 ? Generation.Reason.LENGTH : null;
  }

  /**
   * Chooses the next token.
   *
   * @param logits (vocabulary), unchanged
   * @return the text that has become certain; {@link #ended} tells whether another token is wanted,
   *     and {@link #tokens} the token, unless it was the one that ends a text
   * @throws IllegalStateException if the generation has ended
   * @throws dev.mamba4j.engine.sampling.SamplingException if the options exclude every token
   */
  public String next(float[] logits) {
    if (ended()) {
      throw new IllegalStateException("the generation has ended");
    }
    int token = sampler.sample(logits, vocabulary);
    lastChosen = token;
    if (isEnd(token) && !options.ignoreEndOfText()) {
      return end(Generation.Reason.END_OF_TEXT, "");
    }
    tokens.add(token);
    String piece = stops.feed(decoder.append(token));
    if (stops.stopped()) {
      text.append(piece);
      reason = Generation.Reason.STOP;
      return piece;
    }
    if (tokens.size() == options.maxTokens()) {
      return end(Generation.Reason.LENGTH, piece);
    }
    text.append(piece);
    return piece;
  }

  /** Ends it for a reason of the caller's; the text that was held back is lost. */
  public void cancel() {
    if (!ended()) {
      reason = Generation.Reason.CANCELLED;
    }
  }

  /** What was held back comes out; a stop text may turn up in it. */
  private String end(Generation.Reason why, String piece) {
    String last = piece + stops.feed(decoder.finish()) + stops.flush();
    text.append(last);
    reason = stops.stopped() ? Generation.Reason.STOP : why;
    return last;
  }

  private boolean isEnd(int token) {
    OptionalInt end = tokenizer.eos();
    return end.isPresent() && end.getAsInt() == token;
  }

  /** Whether no more tokens are wanted. */
  public boolean ended() {
    return reason != null;
  }

  /** Why it ended; empty while it goes on. */
  public Optional<Generation.Reason> reason() {
    return Optional.ofNullable(reason);
  }

  /** The tokens so far, the end-of-text token left out. */
  public List<Integer> tokens() {
    return List.copyOf(tokens);
  }

  /** How many tokens there are so far. */
  public int size() {
    return tokens.size();
  }

  /** The last of the tokens, to be read next. */
  public int lastToken() {
    return tokens.getLast();
  }

  /** The token chosen last, be it the one that ends a text; -1 before the first. */
  public int lastChosen() {
    return lastChosen;
  }

  /** The text so far, without a stop text. */
  public String text() {
    return text.toString();
  }
}
