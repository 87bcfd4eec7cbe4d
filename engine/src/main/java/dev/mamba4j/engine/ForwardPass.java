package dev.mamba4j.engine;

import dev.mamba4j.kernels.Activations;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Matrix;
import dev.mamba4j.kernels.StateSpaceLayer;
import dev.mamba4j.kernels.Vectors;
import dev.mamba4j.kernels.Work;
import dev.mamba4j.kernels.WorkerTeam;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Takes a block of tokens of one sequence through the layers. With one token this is the step of
 * decoding, with more it is prefill; both read the same weights and leave the same state.
 *
 * <p>For each layer, h being (tokens, width):
 *
 * <pre>
 * NORM       u = rmsNorm(h) * norm                     (width)
 * PROJECT    z, x, B, C, dt = in · u                   (projected)
 * HEADS      x, B, C = silu(conv(x, B, C))             (channels)
 *            y = gated selective state space           (inner)
 * GATE_NORM  y = rmsNorm(y by groups) * gateNorm       (inner)
 * OUTPUT     h += out · y                              (width)
 * </pre>
 *
 * Norms of a single token are too short to share out; they run on one thread between two phases.
 * Buffers are allocated once, for a number of tokens; running allocates nothing.
 */
final class ForwardPass implements Work, AutoCloseable {
  private enum Phase {
    NORM,
    PROJECT,
    HEADS,
    GATE_NORM,
    OUTPUT
  }

  private static final Phase[] PHASES = Phase.values();

  /** What the matrices of a layer are called. */
  private record Names(String in, String out) {}

  private final Arena arena = Arena.ofShared();
  private final Mamba2Config config;
  private final Mamba2Weights weights;
  private final Kernels kernels;

  private final Vectors hidden; // (capacity, width)
  private final Activations[] normed; // (capacity, width), in the form that each layer's in takes
  private final Vectors projected; // (capacity, projected)
  private final Vectors convolved; // (capacity, channels)
  private final Activations[] gated; // (capacity, inner), in the form that each layer's out takes
  private final float[] embedded; // (width)
  private final Names[] names; // of each layer, so that none are made while running

  private ProjectionObserver observer = ProjectionObserver.NONE;
  private Mamba2State state;
  private int tokens;

  ForwardPass(
      Mamba2Config config,
      Mamba2Weights weights,
      Kernels kernels,
      Precision precision,
      int capacity) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    hidden = Vectors.allocate(arena, capacity, config.width());
    projected = Vectors.allocate(arena, capacity, config.projected());
    convolved = Vectors.allocate(arena, capacity, config.channels());
    Activations input = Activations.allocate(arena, capacity, config.width());
    Activations output = Activations.allocate(arena, capacity, config.inner());
    normed = new Activations[config.layers()];
    gated = new Activations[config.layers()];
    names = new Names[config.layers()];
    for (int i = 0; i < config.layers(); i++) {
      Mamba2Weights.Layer layer = weights.layers().get(i);
      normed[i] = precision.form(input, layer.in(), kernels);
      gated[i] = precision.form(output, layer.out(), kernels);
      names[i] =
          new Names(
              Mamba2Weights.prefix(i) + Mamba2Weights.IN,
              Mamba2Weights.prefix(i) + Mamba2Weights.OUT);
    }
    embedded = new float[config.width()];
  }

  /** How many tokens fit a block. */
  int capacity() {
    return hidden.rows();
  }

  /** The hidden vectors of the last block, before the output norm: (tokens, width). */
  Vectors hidden() {
    return hidden;
  }

  /** Who sees the inputs of the projections from now on. */
  void observe(ProjectionObserver other) {
    observer = other;
  }

  /** Frees the buffers. */
  @Override
  public void close() {
    arena.close();
  }

  /** Reads tokens[from, to) into the state. */
  void run(WorkerTeam team, Mamba2State into, int[] ids, int from, int to) {
    state = into;
    tokens = to - from;
    for (int t = 0; t < tokens; t++) {
      embed(ids[from + t], t);
    }
    team.run(this);
    state.advance(tokens);
  }

  private void embed(int id, int token) {
    Matrix table = weights.embedding();
    table.type().decode(table.data(), id * table.rowBytes(), embedded, 0, embedded.length);
    hidden.write(token, embedded);
  }

  @Override
  public int phases() {
    return config.layers() * PHASES.length;
  }

  @Override
  public int chunks(int phase) {
    Mamba2Weights.Layer layer = weights.layers().get(phase / PHASES.length);
    return switch (PHASES[phase % PHASES.length]) {
      case NORM, GATE_NORM -> tokens == 1 ? 0 : tokens;
      case PROJECT -> Chunks.count(config.projected(), Chunks.rows(layer.in(), tokens));
      case HEADS -> Chunks.count(config.heads(), Chunks.heads(layer.core(), tokens));
      case OUTPUT -> Chunks.count(config.width(), Chunks.rows(layer.out(), tokens));
    };
  }

  @Override
  public void run(int phase, int chunk) {
    int layer = phase / PHASES.length;
    switch (PHASES[phase % PHASES.length]) {
      case NORM -> norm(layer, chunk);
      case PROJECT -> project(layer, chunk);
      case HEADS -> heads(layer, chunk);
      case GATE_NORM -> gateNorm(layer, chunk);
      case OUTPUT -> output(layer, chunk);
    }
  }

  @Override
  public void after(int phase) {
    int layer = phase / PHASES.length;
    switch (PHASES[phase % PHASES.length]) {
      case NORM -> {
        if (tokens == 1) {
          norm(layer, 0);
        }
        observer.inputs(names[layer].in(), normed[layer].values(), tokens);
      }
      case PROJECT -> convolve(layer, config.inner(), config.channels()); // B and C of all heads
      case GATE_NORM -> {
        if (tokens == 1) {
          gateNorm(layer, 0);
        }
        observer.inputs(names[layer].out(), gated[layer].values(), tokens);
      }
      case HEADS, OUTPUT -> {}
    }
  }

  private void norm(int layer, int token) {
    MemorySegment weight = weights.layers().get(layer).norm();
    Activations out = normed[layer];
    kernels.rmsNorm(hidden, token, weight, config.width(), config.epsilon(), out.values());
    kernels.quantize(out, token);
  }

  private void project(int layer, int chunk) {
    Matrix in = weights.layers().get(layer).in();
    int rows = Chunks.rows(in, tokens);
    int from = chunk * rows;
    int to = Math.min(in.rows(), from + rows);
    kernels.multiply(in, from, to, normed[layer], tokens, projected);
  }

  private void heads(int layer, int chunk) {
    StateSpaceLayer core = weights.layers().get(layer).core();
    int heads = Chunks.heads(core, tokens);
    int from = chunk * heads;
    int to = Math.min(core.heads(), from + heads);
    convolve(layer, from * core.headSize(), to * core.headSize());
    MemorySegment scan = state.scan(layer);
    Vectors y = gated[layer].values();
    kernels.scan(core, from, to, 0, tokens, projected, convolved, scan, y);
  }

  private void convolve(int layer, int from, int to) {
    StateSpaceLayer core = weights.layers().get(layer).core();
    kernels.convolve(core, from, to, 0, tokens, projected, state.conv(layer), convolved);
  }

  private void gateNorm(int layer, int token) {
    MemorySegment weight = weights.layers().get(layer).gateNorm();
    Vectors y = gated[layer].values();
    int groupSize = config.inner() / config.groups();
    kernels.rmsNorm(y, token, weight, groupSize, config.epsilon(), y);
    kernels.quantize(gated[layer], token);
  }

  private void output(int layer, int chunk) {
    Matrix out = weights.layers().get(layer).out();
    int rows = Chunks.rows(out, tokens);
    int from = chunk * rows;
    int to = Math.min(out.rows(), from + rows);
    kernels.multiplyAdd(out, from, to, gated[layer], tokens, hidden);
  }
}
