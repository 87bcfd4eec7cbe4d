package dev.mamba4j.engine;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Matrix;
import dev.mamba4j.kernels.Vectors;
import dev.mamba4j.kernels.WorkerTeam;
import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * A Mamba-2 language model (Dao and Gu 2024, arXiv 2405.21060) over the weights of a mapped GGUF
 * file.
 *
 * <p>Safe for use by several threads, each with a state of its own; their calls run one after the
 * other, each on the whole team of threads.
 */
public final class Mamba2 implements AutoCloseable {
  /** The most tokens that one pass over the weights takes: as many as share unpacked weights. */
  public static final int PASS_TOKENS = 128;

  /** How long prefill goes on without asking whether it shall. */
  private static final long SLICE_NANOS = 10_000_000;

  /** Vectors whose logits are computed together. */
  private static final int LOGITS_BLOCK = 16;

  private final GgufFile file;
  private final Mamba2Config config;
  private final Mamba2Weights weights;
  private final Kernels kernels;
  private final WorkerTeam team;
  private final Precision precision;
  private final Clipping clipping;
  private final Arena arena = Arena.ofShared();
  private final ReentrantLock running = new ReentrantLock();

  private ForwardPass pass; // made again for more tokens
  private OutputHead head; // likewise
  private ProjectionObserver observer = ProjectionObserver.NONE;
  private boolean closed;

  // A step makes no objects.
  private final int[] stepToken = new int[1];
  private final LogitsListener stepListener = this::readStepLogits;
  private float[] stepLogits;

  private Mamba2(
      GgufFile file,
      Kernels kernels,
      WorkerTeam team,
      Precision precision,
      Map<String, Matrix> others,
      Optional<Clipping> clipping)
      throws FormatException {
    this.file = file;
    this.kernels = kernels;
    this.team = team;
    this.precision = precision;
    config = Mamba2Config.of(file);
    Clipping own = Clipping.of(file.metadata(), file.path().toString(), config.layers());
    this.clipping = clipping.orElse(own);
    weights = Mamba2Weights.of(file, config, kernels, arena).with(others);
    pass = new ForwardPass(config, weights, kernels, precision, this.clipping, 1);
    head = new OutputHead(config, weights, kernels, precision, 1);
  }

  /**
   * Finds the model in a file.
   *
   * @param file stays open as long as the model is used; closing the model does not close it
   * @param team likewise
   * @throws FormatException if the file does not hold a model that can be run
   */
  public static Mamba2 of(GgufFile file, Kernels kernels, WorkerTeam team, Precision precision)
      throws FormatException {
    return of(file, kernels, team, precision, Map.of(), Optional.empty());
  }

  /**
   * The model with other matrices, or limits, in place of some of the file's, to see what changing
   * them does.
   *
   * @param others by GGUF name; their memory must outlive the model. A tied head follows the
   *     embedding
   * @param clipping in place of the file's
   * @throws IllegalArgumentException if the file has no matrix of a name, or one of another shape
   * @throws FormatException if the file does not hold a model that can be run
   */
  public static Mamba2 of(
      GgufFile file,
      Kernels kernels,
      WorkerTeam team,
      Precision precision,
      Map<String, Matrix> others,
      Optional<Clipping> clipping)
      throws FormatException {
    return new Mamba2(file, kernels, team, precision, others, clipping);
  }

  /** The shape of the model. */
  public Mamba2Config config() {
    return config;
  }

  /** What the inputs of matrix products are. */
  public Precision precision() {
    return precision;
  }

  /** What is cut off activations. */
  public Clipping clipping() {
    return clipping;
  }

  /**
   * Who sees the inputs of matrix products from now on; {@link ProjectionObserver#NONE} ends it.
   */
  public void observe(ProjectionObserver other) {
    running.lock();
    try {
      observer = other;
    } finally {
      running.unlock();
    }
  }

  /** A state that has read nothing. */
  public Mamba2State newState() {
    return new Mamba2State(config);
  }

  /**
   * Reads one token and gives the logits of the next: decoding. Allocates nothing.
   *
   * @param logits (vocabulary), overwritten
   * @throws IllegalArgumentException if the token is not in the vocabulary or the state belongs to
   *     a model of another shape
   */
  public void step(Mamba2State state, int token, float[] logits) {
    Objects.checkFromToIndex(0, config.vocabulary(), logits.length);
    running.lock();
    try {
      checkUsable(state);
      checkToken(token);
      finish(state, 0, LogitsListener.NONE, Mamba2::always);
      begin(1, 1);
      stepToken[0] = token;
      pass.add(state, stepToken, 0, 1);
      pass.run(team, 0, config.layers());
      pass.end();
      stepLogits = logits;
      head.add(pass.hidden(), 0, 0, stepListener);
      head.run(team);
    } finally {
      stepLogits = null;
      running.unlock();
    }
  }

  private void readStepLogits(int position, Vectors logits, int row) {
    logits.read(row, stepLogits);
  }

  /**
   * Reads tokens in blocks: prefill. Asked to stop, it does so within a few layers.
   *
   * @param listener is told of progress and, where it wants them, the logits at each position
   * @return whether all were read; false if the listener cancelled, and then {@link
   *     Mamba2State#position} says how far the state got
   * @throws IllegalArgumentException if a token is not in the vocabulary; nothing has been read
   *     then
   */
  public boolean prefill(Mamba2State state, int[] tokens, PrefillListener listener) {
    for (int token : tokens) {
      checkToken(token);
    }
    int firstLogits = listener.firstLogits(tokens.length);
    for (int from = 0; from < Math.max(1, tokens.length); from += PASS_TOKENS) {
      int to = Math.min(tokens.length, from + PASS_TOKENS);
      if (!readBlock(state, tokens, from, to, firstLogits, listener)) {
        return false;
      }
    }
    return true;
  }

  /** Nothing is read if the listener does not want to begin. */
  private boolean readBlock(
      Mamba2State state,
      int[] tokens,
      int from,
      int to,
      int firstLogits,
      PrefillListener listener) {
    running.lock();
    try {
      checkUsable(state);
      BooleanSupplier goOn = () -> listener.progress(from, tokens.length);
      if (!goOn.getAsBoolean() || !finish(state, firstLogits, listener, goOn)) {
        return false;
      }
      if (from == to) {
        return true;
      }
      Span span = new Span(state, tokens, from, to, firstLogits, listener);
      begin(span.length(), span.wantedLogits());
      pass.add(state, tokens, from, to);
      int layers = runLayers(0, goOn);
      pass.end();
      if (layers < config.layers()) {
        leave(state, span.length(), layers);
        return false;
      }
      computeLogits(List.of(span));
      return true;
    } finally {
      running.unlock();
    }
  }

  private void leave(Mamba2State state, int tokens, int layers) {
    state.leave(Optional.of(UnfinishedBlock.copyOf(pass.hidden(), tokens, layers)));
  }

  /** Takes the pass through layers from one on, in slices of some milliseconds; the layers done. */
  private int runLayers(int from, BooleanSupplier goOn) {
    int layers = config.layers();
    int slice = 1;
    int done = from;
    while (done < layers && (done == from || goOn.getAsBoolean())) {
      int end = Math.min(layers, done + slice);
      long start = System.nanoTime();
      pass.run(team, done, end);
      slice *= System.nanoTime() - start < SLICE_NANOS ? 2 : 1;
      done = end;
    }
    return done;
  }

  /**
   * Goes on with the block that a cancelled prefill left, if there is one.
   *
   * @param firstLogits the first position wanted; those of the block are below 0
   * @return whether the state may read on
   */
  private boolean finish(
      Mamba2State state, int firstLogits, LogitsListener listener, BooleanSupplier goOn) {
    if (state.unfinished().isEmpty()) {
      return true;
    }
    UnfinishedBlock block = state.unfinished().get();
    int tokens = block.tokens();
    int first = Math.max(-tokens, firstLogits);
    begin(tokens, Math.max(0, -first));
    pass.add(state, block);
    int layers = runLayers(block.layers(), goOn);
    if (layers < config.layers()) {
      leave(state, tokens, layers);
      return false;
    }
    state.leave(Optional.empty());
    for (int position = first; position < 0; position++) {
      addToHead(tokens + position, position, listener);
    }
    head.run(team);
    return true;
  }

  /**
   * Has several sequences read some tokens each in one pass over the weights: prompts and decoding
   * mixed, at about the cost of one where the weights are what takes time. A scheduler calls this
   * again and again, with the next token of each sequence that decodes and a part of the prompt of
   * those that begin. Logits come span by span, in order of positions, before this returns.
   *
   * @param spans each of another state; at most {@link #PASS_TOKENS} tokens together
   * @throws IllegalArgumentException if there are more tokens, one is not in the vocabulary, a
   *     state is there twice or belongs to a model of another shape; nothing has been read then
   */
  public void run(List<Span> spans) {
    if (spans.isEmpty()) {
      return;
    }
    running.lock();
    try {
      int tokens = check(spans);
      int wanted = 0;
      for (Span span : spans) {
        wanted += span.wantedLogits();
        finish(span.state(), 0, LogitsListener.NONE, Mamba2::always);
      }
      begin(tokens, wanted);
      for (Span span : spans) {
        pass.add(span.state(), span.tokens(), span.from(), span.to());
      }
      pass.run(team, 0, config.layers());
      pass.end();
      computeLogits(spans);
    } finally {
      running.unlock();
    }
  }

  /** The number of tokens. */
  private int check(List<Span> spans) {
    Set<Mamba2State> states = Collections.newSetFromMap(new IdentityHashMap<>());
    int tokens = 0;
    for (Span span : spans) {
      checkUsable(span.state());
      if (!states.add(span.state())) {
        throw new IllegalArgumentException("two spans have the same state");
      }
      for (int i = span.from(); i < span.to(); i++) {
        checkToken(span.tokens()[i]);
      }
      tokens = Math.addExact(tokens, span.length());
    }
    if (tokens > PASS_TOKENS) {
      throw new IllegalArgumentException(
          tokens + " tokens for one pass, which takes " + PASS_TOKENS);
    }
    return tokens;
  }

  /** Makes ready for a pass; a short one does not pay for the buffers of a long one. */
  private void begin(int tokens, int wantedLogits) {
    if (pass.capacity() < tokens) {
      pass.close();
      pass =
          new ForwardPass(
              config, weights, kernels, precision, clipping, capacity(tokens, PASS_TOKENS));
    }
    if (head.capacity() < Math.min(wantedLogits, LOGITS_BLOCK)) {
      head.close();
      head =
          new OutputHead(config, weights, kernels, precision, capacity(wantedLogits, LOGITS_BLOCK));
    }
    pass.clear();
    pass.observe(observer);
    head.clear();
    head.observe(observer);
  }

  /** Some more than asked for, so that slow growth does not make buffers each time. */
  private static int capacity(int asked, int most) {
    return asked > most / 2 ? most : 2 * Integer.highestOneBit(asked);
  }

  /**
   * Gives listeners the logits that they want; those of the positions they skip stay uncomputed.
   */
  private void computeLogits(List<Span> spans) {
    int first = 0; // of the span in the pass
    for (Span span : spans) {
      int from = Math.max(span.from(), span.firstLogits());
      for (int position = from; position < span.to(); position++) {
        addToHead(first + position - span.from(), position, span.listener());
      }
      first += span.length();
    }
    head.run(team);
  }

  private void addToHead(int row, int position, LogitsListener listener) {
    if (head.isFull()) {
      head.run(team);
    }
    head.add(pass.hidden(), row, position, listener);
  }

  private void checkToken(int token) {
    if (token < 0 || token >= config.vocabulary()) {
      throw new IllegalArgumentException(
          "token " + token + " is not in the vocabulary of " + config.vocabulary());
    }
  }

  private void checkUsable(Mamba2State state) {
    if (closed) {
      throw new IllegalStateException("the model is closed");
    }
    if (running.getHoldCount() > 1) {
      throw new IllegalStateException("a listener cannot call the model that calls it");
    }
    if (!state.config().equals(config)) {
      throw new IllegalArgumentException("the state belongs to a model of another shape");
    }
  }

  private static boolean always() {
    return true;
  }

  /** Name and size of what is run, for messages. */
  @Override
  public String toString() {
    return "Mamba2[" + file.path() + "]";
  }

  /** Frees the buffers, once a running call has ended. */
  @Override
  public void close() {
    running.lock();
    try {
      if (!closed) {
        closed = true;
        pass.close();
        head.close();
        arena.close();
      }
    } finally {
      running.unlock();
    }
  }
}
