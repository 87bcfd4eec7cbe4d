package dev.mamba4j.engine;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Matrix;
import dev.mamba4j.kernels.Vectors;
import dev.mamba4j.kernels.WorkerTeam;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A Mamba-2 language model (Dao and Gu 2024, arXiv 2405.21060) over the weights of a mapped GGUF
 * file.
 *
 * <p>Safe for use by several threads, each with a state of its own; their calls run one after the
 * other, each on the whole team of threads.
 */
public final class Mamba2 implements AutoCloseable {
  /** Tokens that go through the layers together in prefill; the weights are read once for all. */
  private static final int BLOCK = 64;

  private static final int SMALLEST_BLOCK = 8;

  /** Positions whose logits are computed together. */
  private static final int LOGITS_BLOCK = 16;

  private final GgufFile file;
  private final Mamba2Config config;
  private final Mamba2Weights weights;
  private final Kernels kernels;
  private final WorkerTeam team;
  private final Precision precision;
  private final Arena arena = Arena.ofShared();
  private final ReentrantLock running = new ReentrantLock();

  private final ForwardPass step;
  private final OutputHead stepHead;
  private final int[] stepToken = new int[1];
  private ForwardPass prefill; // made when first needed, and again for longer blocks
  private OutputHead prefillHead; // made when first needed
  private ProjectionObserver observer = ProjectionObserver.NONE;
  private boolean closed;

  private Mamba2(
      GgufFile file,
      Kernels kernels,
      WorkerTeam team,
      Precision precision,
      Map<String, Matrix> others)
      throws FormatException {
    this.file = file;
    this.kernels = kernels;
    this.team = team;
    this.precision = precision;
    config = Mamba2Config.of(file);
    weights = Mamba2Weights.of(file, config, kernels, arena).with(others);
    step = new ForwardPass(config, weights, kernels, precision, 1);
    stepHead = new OutputHead(config, weights, kernels, precision, 1, arena);
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
    return of(file, kernels, team, precision, Map.of());
  }

  /**
   * The model with other matrices in place of some of the file's, to see what changing them does.
   *
   * @param others by GGUF name; their memory must outlive the model. A tied head follows the
   *     embedding
   * @throws IllegalArgumentException if the file has no matrix of a name, or one of another shape
   * @throws FormatException if the file does not hold a model that can be run
   */
  public static Mamba2 of(
      GgufFile file,
      Kernels kernels,
      WorkerTeam team,
      Precision precision,
      Map<String, Matrix> others)
      throws FormatException {
    return new Mamba2(file, kernels, team, precision, others);
  }

  /** The shape of the model. */
  public Mamba2Config config() {
    return config;
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
      stepToken[0] = token;
      step.observe(observer);
      stepHead.observe(observer);
      step.run(team, state, stepToken, 0, 1);
      stepHead.run(team, step.hidden(), 0, 1).read(0, logits);
    } finally {
      running.unlock();
    }
  }

  /**
   * Reads tokens in blocks: prefill.
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
    for (int from = 0; from < tokens.length; from += BLOCK) {
      int to = Math.min(tokens.length, from + BLOCK);
      if (!prefillBlock(state, tokens, from, to, listener)) {
        return false;
      }
    }
    return true;
  }

  private boolean prefillBlock(
      Mamba2State state, int[] tokens, int from, int to, PrefillListener listener) {
    running.lock();
    try {
      checkUsable(state);
      if (!listener.progress(from, tokens.length)) {
        return false;
      }
      makeRoom(to - from);
      prefill.observe(observer);
      prefill.run(team, state, tokens, from, to);
      emitLogits(from, to, tokens.length, listener);
      return true;
    } finally {
      running.unlock();
    }
  }

  /** A short prompt does not pay for the buffers of a long one. */
  private void makeRoom(int tokens) {
    if (prefill != null && prefill.capacity() >= tokens) {
      return;
    }
    if (prefill != null) {
      prefill.close();
    }
    int capacity = Math.min(BLOCK, Math.max(SMALLEST_BLOCK, 2 * Integer.highestOneBit(tokens)));
    prefill = new ForwardPass(config, weights, kernels, precision, capacity);
  }

  /** Gives the listener the logits that it wants, those of the positions it skips uncomputed. */
  private void emitLogits(int from, int to, int total, PrefillListener listener) {
    int first = Math.max(from, listener.firstLogits(total));
    if (first >= to) {
      return;
    }
    OutputHead head = first == to - 1 ? stepHead : prefillHead();
    head.observe(observer);
    for (int at = first; at < to; at += head.capacity()) {
      int end = Math.min(to, at + head.capacity());
      Vectors logits = head.run(team, prefill.hidden(), at - from, end - from);
      for (int position = at; position < end; position++) {
        listener.logits(position, logits, position - at);
      }
    }
  }

  private OutputHead prefillHead() {
    if (prefillHead == null) {
      prefillHead = new OutputHead(config, weights, kernels, precision, LOGITS_BLOCK, arena);
    }
    return prefillHead;
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
    if (!state.config().equals(config)) {
      throw new IllegalArgumentException("the state belongs to a model of another shape");
    }
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
        arena.close();
        step.close();
        if (prefill != null) {
          prefill.close();
        }
      }
    } finally {
      running.unlock();
    }
  }
}
