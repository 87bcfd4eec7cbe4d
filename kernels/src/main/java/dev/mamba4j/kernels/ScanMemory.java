package dev.mamba4j.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory for a block of tokens in {@link VectorScan}: addresses of float32 arrays. Small enough to
 * stay in the caches near the processor.
 */
final class ScanMemory {
  /** Tokens of a block at most. */
  static final int BLOCK = 32;

  /** Rows of the state that are treated together. */
  static final int TILE_ROWS = 4;

  private static final long CACHE_LINE = 64;

  private MemorySegment memory = MemorySegment.NULL; // kept alive for its addresses
  private int headSize;
  private int stateSize;
  private long next;

  /** Of each tile of rows and each token, B and C of these rows: (tiles, BLOCK, 2, TILE_ROWS). */
  long rows;

  /** dt / factor * x: (BLOCK, headSize). */
  long inputs;

  /** C · T: (BLOCK, headSize). */
  long sums;

  /** silu(z): (headSize). */
  long gate;

  /** What T is multiplied with before a token, 1 as a rule: (BLOCK). */
  long folds;

  /** dt / factor: (BLOCK). */
  long scales;

  /** After a token: (BLOCK). */
  long factors;

  /** Has room for heads and states of these sizes from here on. */
  void makeRoom(int channels, int states) {
    if (headSize < channels || stateSize < states) {
      headSize = Math.max(headSize, channels);
      stateSize = Math.max(stateSize, states);
      allocate(Math.ceilDiv(stateSize, TILE_ROWS));
    }
  }

  private void allocate(int tiles) {
    long floats = BLOCK * (2L * TILE_ROWS * tiles + 2L * headSize + 3) + headSize;
    memory = Arena.ofAuto().allocate(4 * floats, CACHE_LINE);
    next = memory.address();
    rows = take(2L * TILE_ROWS * BLOCK * tiles);
    inputs = take((long) BLOCK * headSize);
    sums = take((long) BLOCK * headSize);
    folds = take(BLOCK);
    scales = take(BLOCK);
    factors = take(BLOCK);
    gate = take(headSize);
  }

  private long take(long floats) {
    long at = next;
    next += 4 * floats;
    return at;
  }
}
