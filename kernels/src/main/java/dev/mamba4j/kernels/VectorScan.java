package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static dev.mamba4j.kernels.Lanes.loadFloat;
import static dev.mamba4j.kernels.Lanes.storeFloat;
import static dev.mamba4j.kernels.ScanMemory.BLOCK;
import static dev.mamba4j.kernels.ScanMemory.TILE_ROWS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * The selective state space of {@link VectorKernels}. {@code state_space.h} is its twin and says
 * why: the state is a factor times T, a token adds to T and is read from it, and a tile of T stays
 * in registers for all tokens of a block. One token is a block of one, so prefill leaves what steps
 * would.
 *
 * <p>A thread has one, which is set to the operands of a call: nothing is allocated.
 */
final class VectorScan {
  /** A factor below goes into T. */
  private static final float SMALLEST_FACTOR = 0x1p-32f;

  private static final ThreadLocal<VectorScan> OF_THREAD = ThreadLocal.withInitial(VectorScan::new);

  private final ScanMemory memory = new ScanMemory();
  private StateSpaceLayer layer;
  private Vectors projected;
  private Vectors convolved;
  private Vectors y;
  private long state;
  private int from; // the first token of the block
  private int tokens;

  private VectorScan() {}

  /** See {@link Kernels#scan}; operands have been checked. */
  static void run(
      StateSpaceLayer layer,
      int fromHead,
      int toHead,
      int firstToken,
      int tokens,
      Vectors projected,
      Vectors convolved,
      MemorySegment state,
      Vectors y) {
    VectorScan scan = OF_THREAD.get();
    scan.memory.makeRoom(layer.headSize(), layer.stateSize());
    scan.layer = layer;
    scan.projected = projected;
    scan.convolved = convolved;
    scan.y = y;
    scan.state = state.address();
    int end = firstToken + tokens;
    for (int from = firstToken; from < end; from += BLOCK) {
      scan.from = from;
      scan.tokens = Math.min(BLOCK, end - from);
      scan.block(fromHead, toHead);
    }
  }

  private void block(int fromHead, int toHead) {
    int sharedGroup = -1;
    for (int head = fromHead; head < toHead; head++) {
      int group = head / (layer.heads() / layer.groups());
      if (group != sharedGroup) {
        sharedGroup = group;
        share(group);
      }
      decay(head);
      takeInputs(head);
      scanRows(head);
      output(head);
    }
  }

  /** B and C of a group by tiles of rows; zeros behind the last row. */
  private void share(int group) {
    int size = layer.stateSize();
    for (int t = 0; t < tokens; t++) {
      long b = convolved.rowAddress(from + t) + 4L * (layer.inner() + group * size);
      long c = b + 4L * layer.groups() * size;
      for (int n = 0; n < Math.ceilDiv(size, TILE_ROWS) * TILE_ROWS; n++) {
        long to = rows(n / TILE_ROWS, t) + 4L * (n % TILE_ROWS);
        storeFloat(to, n < size ? loadFloat(b + 4L * n) : 0);
        storeFloat(to + 4L * TILE_ROWS, n < size ? loadFloat(c + 4L * n) : 0);
      }
    }
  }

  private long rows(int tile, int token) {
    return memory.rows + 4L * 2 * TILE_ROWS * (tile * BLOCK + token);
  }

  /** Where the factor of a head is, behind the state. */
  private long factor(int head) {
    return state + 4L * ((long) layer.inner() * layer.stateSize() + head);
  }

  private void decay(int head) {
    float a = loadFloat(layer.a().address() + 4L * head);
    float bias = loadFloat(layer.dtBias().address() + 4L * head);
    float factor = loadFloat(factor(head));
    if (factor == 0) {
      factor = 1;
    }
    for (int t = 0; t < tokens; t++) {
      float input = projected.get(from + t, layer.inner() + layer.channels() + head);
      float dt = ScalarKernels.softplus(input + bias);
      factor *= (float) Math.exp(dt * (double) a);
      float fold = 1;
      if (factor < SMALLEST_FACTOR) {
        fold = factor;
        factor = 1;
      }
      storeFloat(memory.folds + 4L * t, fold);
      storeFloat(memory.scales + 4L * t, dt / factor);
      storeFloat(memory.factors + 4L * t, factor);
    }
    storeFloat(factor(head), factor);
  }

  private long x(int head, int token) {
    return convolved.rowAddress(from + token) + 4L * head * layer.headSize();
  }

  private void takeInputs(int head) {
    int channels = layer.headSize();
    for (int t = 0; t < tokens; t++) {
      scale(channels, x(head, t), loadFloat(memory.scales + 4L * t), inputs(t));
      clear(channels, sums(t));
    }
  }

  private long inputs(int token) {
    return memory.inputs + 4L * token * layer.headSize();
  }

  private long sums(int token) {
    return memory.sums + 4L * token * layer.headSize();
  }

  private void scanRows(int head) {
    int channels = layer.headSize();
    int size = layer.stateSize();
    long stride = 4L * channels;
    int lanes = channels / COUNT * COUNT;
    for (int n = 0; n < size; n += TILE_ROWS) {
      long tile = state + stride * ((long) head * size + n);
      long rows = rows(n / TILE_ROWS, 0);
      int first = 0; // of the channels that go row by row
      if (n + TILE_ROWS <= size) {
        scanTiles(lanes, rows, stride, tile);
        first = lanes;
      }
      for (int row = 0; row < Math.min(TILE_ROWS, size - n) && first < channels; row++) {
        scanRow(rows + 4L * row, first, channels, tile + row * stride);
      }
    }
  }

  private void scanTiles(int lanes, long rows, long stride, long tile) {
    if (tokens == 1) {
      scanToken(lanes, rows, stride, tile, memory.inputs, memory.sums);
    } else {
      for (int p = 0; p < lanes; p += COUNT) {
        scanTile(rows, 4L * p, stride, tile);
      }
    }
  }

  /** One token, four rows of T, {@code lanes} channels; what {@link #scanTile} does for one. */
  private void scanToken(int lanes, long rows, long stride, long tile, long inputs, long sums) {
    long t0 = Lanes.address(tile);
    long t1 = Lanes.address(tile + stride);
    long t2 = Lanes.address(tile + 2 * stride);
    long t3 = Lanes.address(tile + 3 * stride);
    long in = Lanes.address(inputs);
    long out = Lanes.address(sums);
    FloatVector fold = broadcast(FLOATS, loadFloat(memory.folds));
    FloatVector b0 = broadcast(FLOATS, loadFloat(rows));
    FloatVector b1 = broadcast(FLOATS, loadFloat(rows + 4));
    FloatVector b2 = broadcast(FLOATS, loadFloat(rows + 8));
    FloatVector b3 = broadcast(FLOATS, loadFloat(rows + 12));
    FloatVector c0 = broadcast(FLOATS, loadFloat(rows + 16));
    FloatVector c1 = broadcast(FLOATS, loadFloat(rows + 20));
    FloatVector c2 = broadcast(FLOATS, loadFloat(rows + 24));
    FloatVector c3 = broadcast(FLOATS, loadFloat(rows + 28));
    for (int p = 0; p < lanes; p += COUNT) {
      long at = 4L * p;
      FloatVector x = fromMemorySegment(FLOATS, MEMORY, in + at, ORDER);
      FloatVector sum = fromMemorySegment(FLOATS, MEMORY, out + at, ORDER);
      FloatVector s = x.fma(b0, fromMemorySegment(FLOATS, MEMORY, t0 + at, ORDER).mul(fold));
      s.intoMemorySegment(MEMORY, t0 + at, ORDER);
      sum = s.fma(c0, sum);
      s = x.fma(b1, fromMemorySegment(FLOATS, MEMORY, t1 + at, ORDER).mul(fold));
      s.intoMemorySegment(MEMORY, t1 + at, ORDER);
      sum = s.fma(c1, sum);
      s = x.fma(b2, fromMemorySegment(FLOATS, MEMORY, t2 + at, ORDER).mul(fold));
      s.intoMemorySegment(MEMORY, t2 + at, ORDER);
      sum = s.fma(c2, sum);
      s = x.fma(b3, fromMemorySegment(FLOATS, MEMORY, t3 + at, ORDER).mul(fold));
      s.intoMemorySegment(MEMORY, t3 + at, ORDER);
      s.fma(c3, sum).intoMemorySegment(MEMORY, out + at, ORDER);
    }
  }

  /** All tokens, four rows of T, a vector of channels {@code at} bytes from the first. */
  private void scanTile(long rows, long at, long stride, long tile) {
    long t0 = Lanes.address(tile + at);
    long t1 = Lanes.address(tile + at + stride);
    long t2 = Lanes.address(tile + at + 2 * stride);
    long t3 = Lanes.address(tile + at + 3 * stride);
    FloatVector s0 = fromMemorySegment(FLOATS, MEMORY, t0, ORDER);
    FloatVector s1 = fromMemorySegment(FLOATS, MEMORY, t1, ORDER);
    FloatVector s2 = fromMemorySegment(FLOATS, MEMORY, t2, ORDER);
    FloatVector s3 = fromMemorySegment(FLOATS, MEMORY, t3, ORDER);
    long step = stride & Integer.MAX_VALUE; // what the compiler can tell of it
    long folds = Lanes.address(memory.folds);
    long factors = Lanes.address(rows);
    long inputs = Lanes.address(memory.inputs + at);
    long sums = Lanes.address(memory.sums + at);
    int count = tokens;
    for (int t = 0; t < count; t++) {
      // Nearly always by 1; behind a condition the vectors would go through the heap.
      FloatVector fold = broadcast(FLOATS, loadFloat(folds + 4L * t));
      FloatVector in = fromMemorySegment(FLOATS, MEMORY, inputs + step * t, ORDER);
      FloatVector sum = fromMemorySegment(FLOATS, MEMORY, sums + step * t, ORDER);
      long row = factors + 4L * 2 * TILE_ROWS * t;
      s0 = in.fma(broadcast(FLOATS, loadFloat(row)), s0.mul(fold));
      sum = s0.fma(broadcast(FLOATS, loadFloat(row + 16)), sum);
      s1 = in.fma(broadcast(FLOATS, loadFloat(row + 4)), s1.mul(fold));
      sum = s1.fma(broadcast(FLOATS, loadFloat(row + 20)), sum);
      s2 = in.fma(broadcast(FLOATS, loadFloat(row + 8)), s2.mul(fold));
      sum = s2.fma(broadcast(FLOATS, loadFloat(row + 24)), sum);
      s3 = in.fma(broadcast(FLOATS, loadFloat(row + 12)), s3.mul(fold));
      sum = s3.fma(broadcast(FLOATS, loadFloat(row + 28)), sum);
      sum.intoMemorySegment(MEMORY, sums + step * t, ORDER);
    }
    s0.intoMemorySegment(MEMORY, t0, ORDER);
    s1.intoMemorySegment(MEMORY, t1, ORDER);
    s2.intoMemorySegment(MEMORY, t2, ORDER);
    s3.intoMemorySegment(MEMORY, t3, ORDER);
  }

  /** All tokens, one row of T, channels in [first, end): what is left of whole tiles. */
  private void scanRow(long row, int first, int end, long state) {
    for (int t = 0; t < tokens; t++) {
      float fold = loadFloat(memory.folds + 4L * t);
      float b = loadFloat(row + 4L * 2 * TILE_ROWS * t);
      float c = loadFloat(row + 4L * (2 * TILE_ROWS * t + TILE_ROWS));
      for (long at = 4L * first; at < 4L * end; at += 4) {
        float updated = fold * loadFloat(state + at) + b * loadFloat(inputs(t) + at);
        storeFloat(state + at, updated);
        storeFloat(sums(t) + at, loadFloat(sums(t) + at) + c * updated);
      }
    }
  }

  /** y = (factor * sum + D * x) * silu(z). */
  private void output(int head) {
    int channels = layer.headSize();
    long first = 4L * head * channels;
    float d = loadFloat(layer.d().address() + 4L * head);
    for (int t = 0; t < tokens; t++) {
      long z = projected.rowAddress(from + t) + first;
      long x = Lanes.address(x(head, t));
      long sums = Lanes.address(sums(t));
      long gate = Lanes.address(memory.gate);
      long out = Lanes.address(y.rowAddress(from + t) + first);
      float factor = loadFloat(memory.factors + 4L * t);
      Lanes.silu(z, memory.gate, channels);
      int lanes = channels / COUNT * COUNT;
      for (int p = 0; p < lanes; p += COUNT) {
        FloatVector skipped = load(x + 4L * p).mul(d);
        FloatVector sum = load(sums + 4L * p).fma(broadcast(FLOATS, factor), skipped);
        store(sum.mul(load(gate + 4L * p)), out + 4L * p);
      }
      for (int p = lanes; p < channels; p++) {
        float sum = factor * loadFloat(sums + 4L * p) + d * loadFloat(x + 4L * p);
        storeFloat(out + 4L * p, sum * loadFloat(gate + 4L * p));
      }
    }
  }

  private static void scale(int count, long x, float factor, long out) {
    long from = Lanes.address(x);
    long to = Lanes.address(out);
    int lanes = count / COUNT * COUNT;
    for (int i = 0; i < lanes; i += COUNT) {
      store(load(from + 4L * i).mul(factor), to + 4L * i);
    }
    for (int i = lanes; i < count; i++) {
      storeFloat(to + 4L * i, loadFloat(from + 4L * i) * factor);
    }
  }

  private static void clear(int count, long out) {
    long to = Lanes.address(out);
    for (int i = 0; i < count; i++) {
      storeFloat(to + 4L * i, 0);
    }
  }

  private static FloatVector load(long address) {
    return fromMemorySegment(FLOATS, MEMORY, address, ORDER);
  }

  private static void store(FloatVector value, long address) {
    value.intoMemorySegment(MEMORY, address, ORDER);
  }
}
