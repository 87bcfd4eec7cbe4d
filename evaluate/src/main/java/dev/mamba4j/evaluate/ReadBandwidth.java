package dev.mamba4j.evaluate;

import dev.mamba4j.kernels.Work;
import dev.mamba4j.kernels.WorkerTeam;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.LongAdder;

/** How fast a team of threads reads memory that is in no cache: the bound of decoding. */
public final class ReadBandwidth {
  private static final long CHUNK = 1 << 20;
  private static final int CHUNKS = 512;
  private static final int ROUNDS = 6;

  private ReadBandwidth() {}

  /** Bytes per second, the best of a few passes over half a GiB. */
  public static double measure(int threads) {
    try (Arena arena = Arena.ofShared();
        WorkerTeam team = new WorkerTeam(threads)) {
      MemorySegment memory = arena.allocate(CHUNK * CHUNKS, 4096).fill((byte) 1);
      Reading reading = new Reading(memory);
      double best = 0;
      for (int round = 0; round < ROUNDS; round++) {
        long start = System.nanoTime();
        team.run(reading);
        best = Math.max(best, memory.byteSize() / ((System.nanoTime() - start) / 1e9));
      }
      if (reading.sum.sum() == 0) {
        throw new IllegalStateException("nothing was read");
      }
      return best;
    }
  }

  private record Reading(MemorySegment memory, LongAdder sum) implements Work {
    Reading(MemorySegment memory) {
      this(memory, new LongAdder());
    }

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
      sum.add(read(memory.asSlice(chunk * CHUNK, CHUNK)));
    }

    /** Eight sums, so that additions wait for memory only. */
    private static long read(MemorySegment part) {
      long a = 0;
      long b = 0;
      long c = 0;
      long d = 0;
      long e = 0;
      long f = 0;
      long g = 0;
      long h = 0;
      for (long i = 0; i < CHUNK / 8; i += 8) {
        a += part.getAtIndex(ValueLayout.JAVA_LONG, i);
        b += part.getAtIndex(ValueLayout.JAVA_LONG, i + 1);
        c += part.getAtIndex(ValueLayout.JAVA_LONG, i + 2);
        d += part.getAtIndex(ValueLayout.JAVA_LONG, i + 3);
        e += part.getAtIndex(ValueLayout.JAVA_LONG, i + 4);
        f += part.getAtIndex(ValueLayout.JAVA_LONG, i + 5);
        g += part.getAtIndex(ValueLayout.JAVA_LONG, i + 6);
        h += part.getAtIndex(ValueLayout.JAVA_LONG, i + 7);
      }
      return a + b + c + d + e + f + g + h;
    }
  }
}
