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
import java.util.Arrays;

/**
 * Takes spans of tokens, each of a sequence of its own, through the layers together, so that the
 * weights are read once for all. One span of one token is the step of decoding, one of many is
 * prefill, several of one token decode several sequences; all leave the same states.
 *
 * <p>For each layer, h being (tokens, width), the tokens of the spans one behind the other:
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
 * Where the file has limits, x and the inputs of out are cut off as soon as they are there.
 *
 * <p>All but HEADS treats tokens alike. Norms of a single token are too short to share out; they
 * run on one thread between two phases. Buffers are allocated once, for a number of tokens; running
 * allocates nothing.
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
  private final Clipping clipping;

  private final Vectors hidden; // (capacity, width)
  private final Activations[] normed; // (capacity, width), in the form that each layer's in takes
  private final Vectors projected; // (capacity, projected)
  private final Vectors convolved; // (capacity, channels)
  private final Activations[] gated; // (capacity, inner), in the form that each layer's out takes
  private final float[] embedded; // (width)
  private final Names[] names; // of each layer, so that none are made while running

  private ProjectionObserver observer = ProjectionObserver.NONE;
  private final Mamba2State[] states; // (capacity), of each span
  private final int[] firstToken; // (capacity + 1), of each span; behind the last, the total
  private final int[] firstChunk; // (capacity + 1), of each span in HEADS; likewise
  private int spans;
  private int tokens;
  private int firstLayer;
  private int endLayer;

  ForwardPass(
      Mamba2Config config,
      Mamba2Weights weights,
      Kernels kernels,
      Precision precision,
      Clipping clipping,
      int capacity) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    this.clipping = clipping;
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
    states = new Mamba2State[capacity];
    firstToken = new int[capacity + 1];
    firstChunk = new int[capacity + 1];
  }

  /** How many tokens fit. */
  int capacity() {
    return hidden.rows();
  }

  /** The hidden vectors after {@link #run}, before the output norm: (tokens, width). */
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

  /** Begins a pass: no spans. */
  void clear() {
    spans = 0;
    tokens = 0;
  }

  /** Adds ids[from, to), which the state will read; no other span may have this state. */
  void add(Mamba2State state, int[] ids, int from, int to) {
    for (int i = from; i < to; i++) {
      embed(ids[i], tokens + i - from);
    }
    add(state, to - from);
  }

  /** Adds the tokens of a block that was left off, as they were then. */
  void add(Mamba2State state, UnfinishedBlock block) {
    for (int i = 0; i < block.tokens(); i++) {
      hidden.copy(tokens + i, block.hidden(), i);
    }
    add(state, block.tokens());
  }

  private void add(Mamba2State state, int length) {
    StateSpaceLayer core = weights.layers().getFirst().core(); // all have the same shape
    states[spans] = state;
    firstChunk[spans + 1] =
        firstChunk[spans] + Chunks.count(core.heads(), Chunks.heads(core, length));
    tokens += length;
    firstToken[++spans] = tokens;
  }

  /** Takes all spans through the layers [from, to). */
  void run(WorkerTeam team, int from, int to) {
    firstLayer = from;
    endLayer = to;
    team.run(this);
  }

  /** After the last layer, or where a block is left off: the states have read their spans. */
  void end() {
    for (int span = 0; span < spans; span++) {
      states[span].advance(length(span));
      states[span] = null; // a buffer keeps no state alive
    }
  }

  private int length(int span) {
    return firstToken[span + 1] - firstToken[span];
  }

  private void embed(int id, int token) {
    Matrix table = weights.embedding();
    table.type().decode(table.data(), id * table.rowBytes(), embedded, 0, embedded.length);
    hidden.write(token, embedded);
  }

  @Override
  public int phases() {
    return (endLayer - firstLayer) * PHASES.length;
  }

  private int layer(int phase) {
    return firstLayer + phase / PHASES.length;
  }

  @Override
  public String name(int phase) {
    return switch (PHASES[phase % PHASES.length]) {
      case NORM -> "norm";
      case PROJECT -> "in_proj";
      case HEADS -> "heads";
      case GATE_NORM -> "gate_norm";
      case OUTPUT -> "out_proj";
    };
  }

  @Override
  public int chunks(int phase) {
    Mamba2Weights.Layer layer = weights.layers().get(layer(phase));
    return switch (PHASES[phase % PHASES.length]) {
      case NORM, GATE_NORM -> tokens == 1 ? 0 : tokens;
      case PROJECT -> Chunks.count(config.projected(), Chunks.rows(layer.in(), tokens));
      case HEADS -> firstChunk[spans];
      case OUTPUT -> Chunks.count(config.width(), Chunks.rows(layer.out(), tokens));
    };
  }

  @Override
  public void run(int phase, int chunk) {
    int layer = layer(phase);
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
    int layer = layer(phase);
    switch (PHASES[phase % PHASES.length]) {
      case NORM -> {
        if (tokens == 1) {
          norm(layer, 0);
        }
        observer.inputs(names[layer].in(), normed[layer].values(), tokens);
      }
      case PROJECT -> convolveShared(layer);
      case GATE_NORM -> {
        if (tokens == 1) {
          gateNorm(layer, 0);
        }
        observer.inputs(names[layer].out(), gated[layer].values(), tokens);
      }
      case HEADS -> observer.convolved(layer, convolved, tokens);
      case OUTPUT -> {}
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

  /** B and C, which all heads of a group share. */
  private void convolveShared(int layer) {
    for (int span = 0; span < spans; span++) {
      convolve(layer, span, config.inner(), config.channels());
    }
  }

  private void heads(int layer, int chunk) {
    StateSpaceLayer core = weights.layers().get(layer).core();
    int found = Arrays.binarySearch(firstChunk, 0, spans, chunk);
    int span = found >= 0 ? found : -found - 2;
    int heads = Chunks.heads(core, length(span));
    int from = (chunk - firstChunk[span]) * heads;
    int to = Math.min(core.heads(), from + heads);
    convolve(layer, span, from * core.headSize(), to * core.headSize());
    clip(layer, span, from * core.headSize(), to * core.headSize());
    MemorySegment scan = states[span].scan(layer);
    Vectors y = gated[layer].values();
    kernels.scan(core, from, to, firstToken[span], length(span), projected, convolved, scan, y);
  }

  private void convolve(int layer, int span, int from, int to) {
    StateSpaceLayer core = weights.layers().get(layer).core();
    MemorySegment taps = states[span].conv(layer);
    kernels.convolve(core, from, to, firstToken[span], length(span), projected, taps, convolved);
  }

  private void clip(int layer, int span, int from, int to) {
    float limit = clipping.ssmX()[layer];
    if (Float.isFinite(limit)) {
      for (int token = firstToken[span]; token < firstToken[span + 1]; token++) {
        convolved.clamp(token, from, to, limit);
      }
    }
  }

  private void gateNorm(int layer, int token) {
    MemorySegment weight = weights.layers().get(layer).gateNorm();
    Vectors y = gated[layer].values();
    int groupSize = config.inner() / config.groups();
    kernels.rmsNorm(y, token, weight, groupSize, config.epsilon(), y);
    float limit = clipping.outProj()[layer];
    if (Float.isFinite(limit)) {
      y.clamp(token, 0, config.inner(), limit);
    }
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
