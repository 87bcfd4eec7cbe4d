package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** Phases of the given numbers of chunks, each of which counts itself and checks the order. */
class CountedWork implements Work {
  private final int[] sizes;
  private final AtomicIntegerArray[] runs;
  private final AtomicIntegerArray afters;
  private final AtomicInteger disorders = new AtomicInteger();

  // Not volatile: the team must publish them.
  private int done;
  private final int[][] written;

  CountedWork(int... sizes) {
    this.sizes = sizes.clone();
    runs = new AtomicIntegerArray[sizes.length];
    written = new int[sizes.length][];
    for (int phase = 0; phase < sizes.length; phase++) {
      runs[phase] = new AtomicIntegerArray(sizes[phase]);
      written[phase] = new int[sizes[phase]];
    }
    afters = new AtomicIntegerArray(sizes.length);
  }

  @Override
  public int phases() {
    return sizes.length;
  }

  @Override
  public int chunks(int phase) {
    return sizes[phase];
  }

  @Override
  public void run(int phase, int chunk) {
    if (done != phase || (phase > 0 && !allWritten(phase - 1))) {
      disorders.incrementAndGet();
    }
    runs[phase].incrementAndGet(chunk);
    written[phase][chunk] = phase + 1;
  }

  @Override
  public void after(int phase) {
    if (done != phase || !allWritten(phase)) {
      disorders.incrementAndGet();
    }
    afters.incrementAndGet(phase);
    done++;
  }

  private boolean allWritten(int phase) {
    for (int value : written[phase]) {
      if (value != phase + 1) {
        return false;
      }
    }
    return true;
  }

  void assertRanOnceInOrder() {
    for (int phase = 0; phase < sizes.length; phase++) {
      for (int chunk = 0; chunk < sizes[phase]; chunk++) {
        assertThat(runs[phase].get(chunk)).as("chunk %d of phase %d", chunk, phase).isOne();
      }
      assertThat(afters.get(phase)).as("after phase %d", phase).isOne();
    }
    assertThat(disorders).hasValue(0);
    assertThat(done).isEqualTo(sizes.length);
  }
}
