package dev.mamba4j.engine;

import dev.mamba4j.kernels.Activations;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Vectors;
import dev.mamba4j.kernels.Work;
import dev.mamba4j.kernels.WorkerTeam;
import java.lang.foreign.Arena;
import java.util.Objects;

/**
 * Turns hidden vectors into logits: {@code head · (rmsNorm(h) * outputNorm)}. Only run where logits
 * are asked for: the head is as large as the embedding.
 */
final class OutputHead implements Work {
  private final Mamba2Config config;
  private final Mamba2Weights weights;
  private final Kernels kernels;
  private final Activations normed; // (capacity, width)
  private final Vectors logits; // (capacity, vocabulary)

  private ProjectionObserver observer = ProjectionObserver.NONE;
  private int tokens;

  OutputHead(
      Mamba2Config config,
      Mamba2Weights weights,
      Kernels kernels,
      Precision precision,
      int capacity,
      Arena arena) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    Activations floats = Activations.allocate(arena, capacity, config.width());
    normed = precision.form(floats, weights.head(), kernels);
    logits = Vectors.allocate(arena, capacity, config.vocabulary());
  }

  /** How many vectors fit a call. */
  int capacity() {
    return logits.rows();
  }

  /** Who sees the inputs of the head from now on. */
  void observe(ProjectionObserver other) {
    observer = other;
  }

  /** The logits of the hidden vectors [from, to): (to - from, vocabulary). */
  Vectors run(WorkerTeam team, Vectors hidden, int from, int to) {
    Objects.checkFromToIndex(from, to, hidden.rows());
    tokens = to - from;
    Vectors input = normed.values();
    for (int t = 0; t < tokens; t++) {
      input.copy(t, hidden, from + t);
      kernels.rmsNorm(input, t, weights.outputNorm(), config.width(), config.epsilon(), input);
      kernels.quantize(normed, t);
    }
    observer.inputs(weights.headName(), input, tokens);
    team.run(this);
    return logits;
  }

  @Override
  public int phases() {
    return 1;
  }

  @Override
  public int chunks(int phase) {
    return Chunks.count(config.vocabulary(), Chunks.rows(weights.head(), tokens));
  }

  @Override
  public void run(int phase, int chunk) {
    int rows = Chunks.rows(weights.head(), tokens);
    int from = chunk * rows;
    int to = Math.min(config.vocabulary(), from + rows);
    kernels.multiply(weights.head(), from, to, normed, tokens, logits);
  }
}
