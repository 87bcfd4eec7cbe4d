package dev.mamba4j.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Everything a Mamba-2 model remembers of the tokens it has read: constant in size, so it can be
 * copied, saved and forked like any value.
 *
 * <p>One block of native memory in float32: for each layer the convolution's last inputs (convWidth
 * - 1, channels) and the recurrent state (heads, stateSize, headSize) with a factor of each head
 * (heads). A state belongs to one sequence and is not safe for use by several threads at a time.
 * Close it to free the memory.
 */
public final class Mamba2State implements AutoCloseable {
  private static final long CACHE_LINE = 64;

  private final Mamba2Config config;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment data;
  private final MemorySegment[] conv;
  private final MemorySegment[] scan;
  private long position;
  private Optional<UnfinishedBlock> unfinished = Optional.empty();

  Mamba2State(Mamba2Config config) {
    this.config = config;
    long convBytes = 4L * config.convStateSize();
    long scanBytes = 4L * (config.scanStateSize() + config.heads());
    long layerBytes = round(convBytes) + round(scanBytes);
    data = arena.allocate(layerBytes * config.layers(), CACHE_LINE);
    conv = new MemorySegment[config.layers()];
    scan = new MemorySegment[config.layers()];
    for (int i = 0; i < config.layers(); i++) {
      conv[i] = data.asSlice(i * layerBytes, convBytes);
      scan[i] = data.asSlice(i * layerBytes + round(convBytes), scanBytes);
    }
  }

  private static long round(long bytes) {
    return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
  }

  /**
   * How many tokens have been read. Where prefill was cancelled, those of the last block are still
   * on their way: the next call that reads with this state first takes them through the layers that
   * are left.
   */
  public long position() {
    return position;
  }

  /** Bytes of memory that a state takes. */
  public long byteSize() {
    return data.byteSize();
  }

  /** A copy that goes its own way. */
  public Mamba2State fork() {
    Mamba2State copy = new Mamba2State(config);
    copy.set(this);
    return copy;
  }

  /**
   * Takes over what another state of the same model remembers.
   *
   * @throws IllegalArgumentException if the models differ in shape
   */
  public void set(Mamba2State other) {
    if (!config.equals(other.config)) {
      throw new IllegalArgumentException("the states belong to models of different shapes");
    }
    data.copyFrom(other.data);
    position = other.position;
    unfinished = other.unfinished;
  }

  /** Forgets everything. */
  public void reset() {
    data.fill((byte) 0);
    position = 0;
    unfinished = Optional.empty();
  }

  /** Frees the memory. */
  @Override
  public void close() {
    arena.close();
  }

  Mamba2Config config() {
    return config;
  }

  MemorySegment conv(int layer) {
    return conv[layer];
  }

  MemorySegment scan(int layer) {
    return scan[layer];
  }

  /** What is still to be taken through some layers before anything else is read. */
  Optional<UnfinishedBlock> unfinished() {
    return unfinished;
  }

  void leave(Optional<UnfinishedBlock> block) {
    unfinished = block;
  }

  void advance(int tokens) {
    position += tokens;
  }

  void moveTo(long newPosition) {
    position = newPosition;
    unfinished = Optional.empty();
  }
}
