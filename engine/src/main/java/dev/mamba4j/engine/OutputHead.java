package dev.mamba4j.engine;

import dev.mamba4j.kernels.Activations;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Vectors;
import dev.mamba4j.kernels.Work;
import dev.mamba4j.kernels.WorkerTeam;
import java.lang.foreign.Arena;

/**
 * Turns hidden vectors into logits: {@code head · (rmsNorm(h) * outputNorm)}. Only run where logits
 * are asked for: the head is as large as the embedding. Vectors of any sequences are put in one by
 * one and multiplied together.
 */
final class OutputHead implements Work, AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final Mamba2Config config;
  private final Mamba2Weights weights;
  private final Kernels kernels;
  private final Activations normed; // (capacity, width)
  private final Vectors logits; // (capacity, vocabulary)

  private ProjectionObserver observer = ProjectionObserver.NONE;
  private final LogitsListener[] listeners; // (capacity), of each vector
  private final int[] positions; // (capacity), of each vector
  private int count;

  OutputHead(
      Mamba2Config config,
      Mamba2Weights weights,
      Kernels kernels,
      Precision precision,
      int capacity) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    Activations floats = Activations.allocate(arena, capacity, config.width());
    normed = precision.form(floats, weights.head(), kernels);
    logits = Vectors.allocate(arena, capacity, config.vocabulary());
    listeners = new LogitsListener[capacity];
    positions = new int[capacity];
  }

  /** How many vectors fit. */
  int capacity() {
    return logits.rows();
  }

  /** Whether {@link #run} must come before the next vector. */
  boolean isFull() {
    return count == capacity();
  }

  /** Who sees the inputs of the head from now on. */
  void observe(ProjectionObserver other) {
    observer = other;
  }

  /** Forgets all vectors. */
  void clear() {
    count = 0;
  }

  /** Puts in a hidden vector; the listener will get its logits for the position. */
  void add(Vectors hidden, int row, int position, LogitsListener listener) {
    Vectors input = normed.values();
    input.copy(count, hidden, row);
    kernels.rmsNorm(input, count, weights.outputNorm(), config.width(), config.epsilon(), input);
    kernels.quantize(normed, count);
    positions[count] = position;
    listeners[count++] = listener;
  }

  /** Computes the logits of all vectors, gives them to their listeners, and forgets the vectors. */
  void run(WorkerTeam team) {
    if (count == 0) {
      return;
    }
    observer.inputs(weights.headName(), normed.values(), count);
    team.run(this);
    for (int i = 0; i < count; i++) {
      listeners[i].logits(positions[i], logits, i);
      listeners[i] = null; // a buffer keeps no listener alive
    }
    count = 0;
  }

  /** Frees the buffers. */
  @Override
  public void close() {
    arena.close();
  }

  @Override
  public int phases() {
    return 1;
  }

  @Override
  public String name(int phase) {
    return "head";
  }

  @Override
  public int chunks(int phase) {
    return Chunks.count(config.vocabulary(), Chunks.rows(weights.head(), count));
  }

  @Override
  public void run(int phase, int chunk) {
    int rows = Chunks.rows(weights.head(), count);
    int from = chunk * rows;
    int to = Math.min(config.vocabulary(), from + rows);
    kernels.multiply(weights.head(), from, to, normed, count, logits);
  }
}
