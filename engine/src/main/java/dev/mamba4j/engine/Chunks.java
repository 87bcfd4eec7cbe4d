package dev.mamba4j.engine;

import dev.mamba4j.kernels.Matrix;
import dev.mamba4j.kernels.StateSpaceLayer;

/**
 * How an operation is cut into chunks for a team: small enough that a slow member delays nobody for
 * long, large enough that handing out costs nothing. Sizes in rows or heads per chunk.
 */
final class Chunks {
  /** Memory traffic of a chunk in bytes; tens of microseconds on a core. */
  private static final long CHUNK_BYTES = 512 << 10;

  /** Rows of a chunk are a multiple of what kernels treat at once, for one token and for many. */
  private static final int STEP_MULTIPLE = 16;

  private static final int PREFILL_MULTIPLE = 128;

  private Chunks() {}

  /** Rows of a product per chunk. */
  static int rows(Matrix weights, int tokens) {
    long rows = CHUNK_BYTES / (weights.rowBytes() * tokens);
    int multiple = tokens == 1 ? STEP_MULTIPLE : PREFILL_MULTIPLE;
    long whole = Math.max(1, rows / multiple) * multiple;
    return (int) Math.min(whole, weights.rows());
  }

  /**
   * Heads of a scan per chunk; the state is read and written. However many tokens there are, some
   * heads stay together where there are enough: they share what a scan makes of B and C.
   */
  static int heads(StateSpaceLayer core, int tokens) {
    long bytes = 2 * 4L * core.headSize() * core.stateSize() * tokens;
    int fewest = Math.clamp(core.heads() / 16, 1, 4);
    return Math.clamp(CHUNK_BYTES / bytes, fewest, core.heads());
  }

  /** How many chunks of a size cover the total. */
  static int count(int total, int size) {
    return (total + size - 1) / size;
  }
}
