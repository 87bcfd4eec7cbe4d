package dev.mamba4j.engine;

import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.kernels.Vectors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * One text that a model reads and continues. Not safe for use by several threads at a time.
 *
 * <p>The state holds all tokens but, after a generation, its last one, which is read when the
 * session goes on.
 */
public final class Session implements AutoCloseable {
  private static final int NONE = -1;

  /** Takes text as it is generated. */
  @FunctionalInterface
  public interface TextListener {
    /** Goes on to the end. */
    TextListener NONE = text -> true;

    /**
     * Takes the next piece, whole characters; may be empty.
     *
     * @return whether to go on
     */
    boolean text(String piece);
  }

  private final LanguageModel model;
  private final Mamba2State state;
  private final float[] logits;
  private final List<Integer> history = new ArrayList<>();
  private int unread = NONE;
  private boolean withoutLogits; // of the last position
  private List<Turn> turns = List.of();

  Session(LanguageModel model, Mamba2State state) {
    this.model = model;
    this.state = state;
    logits = new float[model.mamba2().config().vocabulary()];
  }

  /** Goes on from a state that has been unpacked. */
  Session(LanguageModel model, Mamba2State state, SavedState saved) {
    this(model, state);
    Arrays.stream(saved.tokens()).forEach(history::add);
    float[] kept = saved.logits();
    withoutLogits = kept.length == 0 && !history.isEmpty();
    turns = saved.turns();
    System.arraycopy(kept, 0, logits, 0, kept.length);
  }

  /** Reads text; special tokens in it are plain text. */
  public void read(String text) throws FormatException {
    read(model.tokenizer().encode(text, false), PrefillListener.NONE);
  }

  /**
   * Reads tokens.
   *
   * @param listener is asked for progress only
   * @return whether all were read; if not, the session holds what came before
   * @throws IllegalArgumentException if a token is not in the vocabulary; nothing has been read
   *     then
   */
  public boolean read(int[] tokens, PrefillListener listener) {
    int[] all = tokens;
    if (unread != NONE) {
      all = new int[tokens.length + 1];
      all[0] = unread;
      System.arraycopy(tokens, 0, all, 1, tokens.length);
    }
    long before = state.position();
    boolean complete = model.mamba2().prefill(state, all, new LastLogits(listener));
    int taken = (int) (state.position() - before);
    if (taken > 0) {
      int known = unread == NONE ? 0 : 1; // generated, so in the history
      Arrays.stream(all, known, taken).forEach(history::add);
      unread = NONE;
    }
    withoutLogits = !complete;
    return complete;
  }

  /** Continues the text, without a listener. */
  public Generation generate(GenerationOptions options) throws FormatException {
    return generate(options, TextListener.NONE);
  }

  /**
   * Continues the text. A session that has read nothing starts from the token that begins a text.
   *
   * @throws FormatException if the model has no tokenizer
   * @throws IllegalStateException if there are no logits to go on from: the last read was
   *     cancelled, or the session comes from a state without them
   * @throws dev.mamba4j.engine.sampling.SamplingException if the options exclude every token
   */
  public Generation generate(GenerationOptions options, TextListener listener)
      throws FormatException {
    Tokenizer tokenizer = model.tokenizer();
    begin(tokenizer);
    Continuation continuation = new Continuation(tokenizer, options, model.vocabulary(), history);
    long start = System.nanoTime();
    while (!continuation.ended()) {
      readPending();
      int before = continuation.size();
      String piece = continuation.next(logits);
      if (continuation.size() > before) {
        unread = continuation.lastToken();
        history.add(unread);
      }
      if (!listener.text(piece)) {
        continuation.cancel();
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Generation(
        continuation.text(), continuation.tokens(), continuation.reason().orElseThrow(), seconds);
  }

  /** Without anything read there are no logits: the model reads the token that begins a text. */
  private void begin(Tokenizer tokenizer) {
    if (state.position() == 0 && unread == NONE) {
      OptionalInt first = tokenizer.bos().isPresent() ? tokenizer.bos() : tokenizer.eos();
      read(new int[] {first.orElse(0)}, PrefillListener.NONE);
    }
  }

  private void readPending() {
    if (withoutLogits) {
      throw new IllegalStateException(
          "the last read was cancelled, or the session saved without logits; read on before"
              + " generating");
    }
    if (unread != NONE) {
      model.mamba2().step(state, unread, logits);
      unread = NONE;
    }
  }

  /**
   * The logits of the next token: (vocabulary), padding included.
   *
   * @throws IllegalStateException if nothing has been read, or there are no logits, see {@link
   *     #generate}
   */
  public float[] logits() {
    readPending();
    if (state.position() == 0) {
      throw new IllegalStateException("the session has read nothing");
    }
    return logits.clone();
  }

  /** All tokens read and generated, in order. */
  public List<Integer> tokens() {
    return List.copyOf(history);
  }

  /** The conversation that the text is, as {@link #setTurns} has it; empty if it is none. */
  public List<Turn> turns() {
    return turns;
  }

  /**
   * Notes the conversation that the text is, which {@link #save} keeps: what comes next is read all
   * the same.
   */
  public void setTurns(List<Turn> conversation) {
    turns = List.copyOf(conversation);
  }

  /** A session that goes on from here by itself. */
  public Session fork() {
    Session copy = new Session(model, state.fork());
    System.arraycopy(logits, 0, copy.logits, 0, logits.length);
    copy.history.addAll(history);
    copy.unread = unread;
    copy.withoutLogits = withoutLogits;
    copy.turns = turns;
    return copy;
  }

  /**
   * Writes the session to a file from which {@link LanguageModel#openSession} goes on as this one
   * would, to the last bit. The file is on the disk when this returns, and was as before until
   * then.
   *
   * @throws IllegalStateException if the last read was cancelled; read on before
   */
  public void save(Path file) throws IOException {
    readPending();
    int[] tokens = history.stream().mapToInt(token -> token).toArray();
    float[] next = tokens.length == 0 ? new float[0] : logits;
    try (PackedState packed = PackedState.of(state, StatePacking.FLOAT)) {
      new SavedState(tokens, packed, next, turns).write(file, model.fingerprint());
    }
  }

  /** Frees the state. */
  @Override
  public void close() {
    state.close();
  }

  /** Keeps the logits of the last position. */
  private final class LastLogits implements PrefillListener {
    private final PrefillListener progress;

    LastLogits(PrefillListener progress) {
      this.progress = progress;
    }

    @Override
    public boolean progress(int done, int total) {
      return progress.progress(done, total);
    }

    @Override
    public int firstLogits(int total) {
      return total - 1;
    }

    @Override
    public void logits(int position, Vectors all, int row) {
      all.read(row, logits);
    }
  }
}
