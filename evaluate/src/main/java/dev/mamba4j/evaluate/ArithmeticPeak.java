package dev.mamba4j.evaluate;

import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Activations;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Matrix;
import dev.mamba4j.kernels.StateSpaceLayer;
import dev.mamba4j.kernels.Vectors;
import dev.mamba4j.kernels.Work;
import dev.mamba4j.kernels.WorkerTeam;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * How many operations a second the kernels do when all data are in the caches of the cores: what is
 * left to arithmetic once memory is no limit. A multiply-add is two operations.
 */
public final class ArithmeticPeak {
  /** Small enough for a core's second cache in every type, and whole blocks of each. */
  private static final int ROWS = 64;

  private static final int COLUMNS = 512;

  private static final int HEADS = 2;
  private static final int HEAD_SIZE = 64;
  private static final int STATE_SIZE = 128;

  private static final double LONG_ENOUGH_SECONDS = 0.01;

  /** How long the best round has to stand: kernels in Java run slowly until they are compiled. */
  private static final double SETTLED_SECONDS = 1;

  /** What counts as faster than the best. */
  private static final double FASTER = 1.05;

  private final Kernels kernels;
  private final int threads;

  /** Of kernels on so many threads. */
  public ArithmeticPeak(Kernels kernels, int threads) {
    this.kernels = kernels;
    this.threads = threads;
  }

  /**
   * Operations per second of products.
   *
   * @param tokens vectors that are multiplied at once: 1 as in decoding, many as in prefill
   */
  public double products(TensorType type, Precision precision, int tokens) {
    try (Arena arena = Arena.ofShared()) {
      Matrix weights = matrix(arena, type);
      int block = precision == Precision.FLOAT ? 0 : kernels.activationBlock(type);
      Activations x = Activations.allocate(arena, tokens, COLUMNS).withBlock(block);
      fill(x.values().data());
      for (int token = 0; token < tokens; token++) {
        kernels.quantize(x, token);
      }
      Vectors[] y = new Vectors[threads];
      for (int i = 0; i < threads; i++) {
        y[i] = Vectors.allocate(arena, tokens, ROWS);
      }
      return best(
          2L * ROWS * COLUMNS * tokens, i -> kernels.multiply(weights, 0, ROWS, x, tokens, y[i]));
    }
  }

  private static Matrix matrix(Arena arena, TensorType type) {
    MemorySegment values = arena.allocate(4L * ROWS * COLUMNS, 64);
    fill(values);
    MemorySegment data = arena.allocate(type.byteSize((long) ROWS * COLUMNS), 64);
    type.encode(values.toArray(ValueLayout.JAVA_FLOAT), 0, data, 0, ROWS * COLUMNS);
    return new Matrix(type, ROWS, COLUMNS, data);
  }

  /** Operations per second of the scan, one token at a time. */
  public double scan() {
    try (Arena arena = Arena.ofShared()) {
      Scan[] scans = new Scan[threads];
      for (int i = 0; i < threads; i++) {
        scans[i] = new Scan(arena);
      }
      return best(4L * HEADS * HEAD_SIZE * STATE_SIZE, i -> scans[i].run(kernels));
    }
  }

  /** A layer with few heads, and all that it works on. */
  private static final class Scan {
    private final StateSpaceLayer layer;
    private final Vectors projected;
    private final Vectors convolved;
    private final MemorySegment state;
    private final Vectors y;

    Scan(Arena arena) {
      int channels = HEADS * HEAD_SIZE + 2 * STATE_SIZE;
      layer =
          new StateSpaceLayer(
              HEADS,
              HEAD_SIZE,
              1,
              STATE_SIZE,
              1,
              floats(arena, channels),
              floats(arena, channels),
              floats(arena, HEADS),
              constant(arena, HEADS, -1),
              floats(arena, HEADS));
      projected = new Vectors(1, layer.projected(), floats(arena, layer.projected()));
      convolved = new Vectors(1, channels, floats(arena, channels));
      state = arena.allocate(4 * layer.scanStateSize(), 64);
      y = Vectors.allocate(arena, 1, layer.inner());
    }

    void run(Kernels kernels) {
      kernels.scan(layer, 0, HEADS, 0, 1, projected, convolved, state, y);
    }

    private static MemorySegment floats(Arena arena, int count) {
      MemorySegment data = arena.allocate(4L * count, 64);
      fill(data);
      return data;
    }

    private static MemorySegment constant(Arena arena, int count, float value) {
      MemorySegment data = arena.allocate(4L * count, 64);
      for (int i = 0; i < count; i++) {
        data.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
      }
      return data;
    }
  }

  /** Numbers between -1 and 1, always the same. */
  private static void fill(MemorySegment floats) {
    SplittableRandom random = new SplittableRandom(1);
    for (long i = 0; i < floats.byteSize() / 4; i++) {
      floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
    }
  }

  /** Does something on a thread of this number. */
  @FunctionalInterface
  private interface Task {
    void run(int thread);
  }

  /**
   * The best of rounds, each so long that starting the threads does not count; they end when they
   * have not become faster for a while.
   */
  private double best(long operations, Task task) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      int repeats = 1;
      double best = 0;
      double settling = 0;
      while (settling < SETTLED_SECONDS) {
        double seconds = seconds(team, task, repeats);
        double rate = (double) operations * threads * repeats / seconds;
        settling = rate > FASTER * best ? 0 : settling + seconds;
        best = Math.max(best, rate);
        if (seconds < LONG_ENOUGH_SECONDS) {
          repeats *= 2;
        }
      }
      return best;
    }
  }

  private double seconds(WorkerTeam team, Task task, int repeats) {
    long start = System.nanoTime();
    team.run(new Repeated(threads, task, repeats));
    return (System.nanoTime() - start) / 1e9;
  }

  private record Repeated(int threads, Task task, int repeats) implements Work {
    @Override
    public int phases() {
      return 1;
    }

    @Override
    public int chunks(int phase) {
      return threads;
    }

    @Override
    public void run(int phase, int chunk) {
      for (int i = 0; i < repeats; i++) {
        task.run(chunk);
      }
    }
  }
}
