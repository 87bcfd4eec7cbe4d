package dev.mamba4j.evaluate;

import dev.mamba4j.kernels.Work;
import dev.mamba4j.kernels.WorkerTeam;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * How fast a team of threads reads memory that is in no cache: the bound of decoding. Two equal
 * blocks are compared, which the JVM does with the widest vectors whatever compiles our code.
 */
public final class ReadBandwidth {
  private static final long CHUNK = 1 << 20;
  private static final int CHUNKS = 256;
  private static final int ROUNDS = 8;

  private ReadBandwidth() {}

  /** Bytes per second, the best of some passes over half a GiB. */
  public static double measure(int threads) {
    try (Arena arena = Arena.ofShared();
        WorkerTeam team = new WorkerTeam(threads)) {
      Comparison comparison =
          new Comparison(
              arena.allocate(CHUNK * CHUNKS, 4096).fill((byte) 1),
              arena.allocate(CHUNK * CHUNKS, 4096).fill((byte) 1));
      double best = 0;
      for (int round = 0; round < ROUNDS; round++) {
        long start = System.nanoTime();
        team.run(comparison);
        best = Math.max(best, 2 * CHUNK * CHUNKS / ((System.nanoTime() - start) / 1e9));
      }
      return best;
    }
  }

  private record Comparison(MemorySegment a, MemorySegment b) implements Work {
    @Override
    public int phases() {
      return 1;
    }

    @Override
    public int chunks(int phase) {
      return CHUNKS;
    }

    @Override
    public void run(int phase, int chunk) {
      MemorySegment part = a.asSlice(chunk * CHUNK, CHUNK);
      if (part.mismatch(b.asSlice(chunk * CHUNK, CHUNK)) >= 0) {
        throw new IllegalStateException("equal memory is not equal");
      }
    }
  }
}
