package dev.mamba4j.engine;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A remembered {@link Mamba2State}: the recurrent values packed to fewer bits, the convolution's
 * inputs as they are. It does not change; any number of threads may unpack it. Close it to free the
 * memory.
 */
public final class PackedState implements AutoCloseable {
  private static final int SLICE = 1 << 13;

  /** Half precision holds no more; a scale of {@link StatePacking#INT8} is 1/127 of a value. */
  private static final float MAX_HALF = 65504;

  private final Mamba2Config config;
  private final StatePacking packing;
  private final long position;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] conv;
  private final MemorySegment[] scan;
  private final MemorySegment[] factors;
  private final long bytes;

  PackedState(Mamba2Config config, StatePacking packing, long position) {
    this.config = config;
    this.packing = packing;
    this.position = position;
    conv = new MemorySegment[config.layers()];
    scan = new MemorySegment[config.layers()];
    factors = new MemorySegment[config.layers()];
    long convBytes = TensorType.F32.byteSize(config.convStateSize());
    long scanBytes = packing.type().byteSize(config.scanStateSize());
    long factorBytes = TensorType.F32.byteSize(config.heads());
    for (int i = 0; i < config.layers(); i++) {
      conv[i] = arena.allocate(convBytes, Float.BYTES);
      scan[i] = arena.allocate(scanBytes, Float.BYTES);
      factors[i] = arena.allocate(factorBytes, Float.BYTES);
    }
    bytes = config.layers() * (convBytes + scanBytes + factorBytes);
  }

  /**
   * Packs a state. One that the packing cannot hold, since its values are too large or its rows not
   * whole blocks, is kept in float32.
   *
   * @throws IllegalStateException if its last read was stopped within a block of tokens; read on
   */
  public static PackedState of(Mamba2State state, StatePacking packing) {
    if (state.unfinished().isPresent()) {
      throw new IllegalStateException("the last read was stopped; read on before packing");
    }
    Mamba2Config config = state.config();
    boolean fits = config.scanStateSize() / config.heads() % packing.type().blockSize() == 0;
    PackedState packed =
        new PackedState(config, fits ? packing : StatePacking.FLOAT, state.position());
    if (packed.fill(state)) {
      return packed;
    }
    packed.close();
    PackedState exact = new PackedState(config, StatePacking.FLOAT, state.position());
    exact.fill(state);
    return exact;
  }

  /**
   * Whether the packing could hold all values. What it rounds are the values times the factor of
   * their head, which is 1 then: the values alone may be large.
   */
  private boolean fill(Mamba2State state) {
    boolean exact = packing == StatePacking.FLOAT;
    float[] values = new float[SLICE];
    float limit =
        switch (packing) {
          case FLOAT -> Float.POSITIVE_INFINITY;
          case HALF -> MAX_HALF;
          case INT8 -> 127 * MAX_HALF;
        };
    boolean holds = true;
    long perHead = config.scanStateSize() / config.heads();
    for (int layer = 0; layer < conv.length; layer++) {
      conv[layer].copyFrom(state.conv(layer));
      MemorySegment from = state.scan(layer);
      long end = config.scanStateSize();
      if (exact) {
        factors[layer].copyFrom(from.asSlice(4 * end));
      }
      for (long at = 0; at < end; ) {
        int head = (int) (at / perHead);
        int n = (int) Math.min(SLICE, (head + 1) * perHead - at);
        float factor = exact ? 0 : from.get(ValueLayout.JAVA_FLOAT, 4 * (end + head));
        holds &= encode(from, at, n, factor == 0 ? 1 : factor, values, scan[layer]) <= limit;
        at += n;
      }
    }
    return exact || holds;
  }

  /** Packs n values times a factor and returns the largest magnitude. */
  private float encode(
      MemorySegment from, long at, int n, float factor, float[] values, MemorySegment to) {
    MemorySegment.copy(from, ValueLayout.JAVA_FLOAT, 4 * at, values, 0, n);
    float largest = 0;
    for (int i = 0; i < n; i++) {
      values[i] *= factor;
      largest = Math.max(largest, Math.abs(values[i]));
    }
    packing.type().encode(values, 0, to, packing.type().byteSize(at), n);
    return largest;
  }

  /**
   * Makes a state remember this.
   *
   * @throws IllegalArgumentException if it belongs to a model of another shape
   */
  public void unpackInto(Mamba2State state) {
    if (!state.config().equals(config)) {
      throw new IllegalArgumentException("the states belong to models of different shapes");
    }
    float[] values = new float[SLICE];
    long end = config.scanStateSize();
    for (int layer = 0; layer < conv.length; layer++) {
      state.conv(layer).copyFrom(conv[layer]);
      MemorySegment to = state.scan(layer);
      for (long at = 0; at < end; at += SLICE) {
        int n = (int) Math.min(SLICE, end - at);
        packing.type().decode(scan[layer], packing.type().byteSize(at), values, 0, n);
        MemorySegment.copy(values, 0, to, ValueLayout.JAVA_FLOAT, 4 * at, n);
      }
      to.asSlice(4 * end).copyFrom(factors[layer]);
    }
    state.moveTo(position);
  }

  /** How many tokens the state has read. */
  public long position() {
    return position;
  }

  /** How the values are kept. */
  public StatePacking packing() {
    return packing;
  }

  /** Bytes of memory that it takes. */
  public long byteSize() {
    return bytes;
  }

  /** Frees the memory. */
  @Override
  public void close() {
    arena.close();
  }

  Mamba2Config config() {
    return config;
  }

  /** The convolution's inputs of a layer: (convWidth - 1, channels) in float32. */
  MemorySegment conv(int layer) {
    return conv[layer];
  }

  /** The recurrent values of a layer: (heads, stateSize, headSize), packed. */
  MemorySegment scan(int layer) {
    return scan[layer];
  }

  /** What the values of each head are to be multiplied by: (heads) in float32; 0 stands for 1. */
  MemorySegment factors(int layer) {
    return factors[layer];
  }
}
