package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The team under load, with few processors and with members that are held up. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WorkerTeamStressTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 8})
  void doesNotHangInManyShortWorks(int threads) {
    Work work = Chunks.idle(threads);
    try (WorkerTeam team = new WorkerTeam(threads)) {
      for (int i = 0; i < 100_000; i++) {
        team.run(work);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void runsTheWorksOfSeveralCallersOneAfterTheOther(int threads) throws Exception {
    try (WorkerTeam team = new WorkerTeam(threads);
        ExecutorService callers = Executors.newFixedThreadPool(4)) {
      AtomicInteger running = new AtomicInteger();
      List<Future<?>> results = new ArrayList<>();
      for (int caller = 0; caller < 4; caller++) {
        results.add(
            callers.submit(
                () -> {
                  for (int i = 0; i < 3000; i++) {
                    CountedWork work =
                        new CountedWork(2, 3, 1) {
                          @Override
                          public int chunks(int phase) {
                            if (phase == 0 && running.incrementAndGet() != 1) {
                              throw new AssertionError("two works at once");
                            }
                            return super.chunks(phase);
                          }

                          @Override
                          public void after(int phase) {
                            super.after(phase);
                            if (phase == 2) {
                              running.decrementAndGet();
                            }
                          }
                        };
                    team.run(work);
                    work.assertRanOnceInOrder();
                  }
                }));
      }
      for (Future<?> result : results) {
        result.get();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 8})
  void survivesMembersThatAreDelayedAtRandom(int threads) {
    Random random = new Random(threads);
    try (WorkerTeam team = new WorkerTeam(threads)) {
      long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(1500);
      while (System.nanoTime() < end) {
        int[] sizes = random.ints(random.nextInt(6), 0, 2 * threads).toArray();
        long seed = random.nextLong();
        CountedWork work =
            new CountedWork(sizes) {
              @Override
              public void run(int phase, int chunk) {
                delay(seed ^ (phase * 31L + chunk));
                super.run(phase, chunk);
                delay(~seed ^ (phase * 37L + chunk));
              }

              @Override
              public void after(int phase) {
                delay(seed + phase);
                super.after(phase);
              }
            };
        team.run(work);
        work.assertRanOnceInOrder();
        delay(~seed);
      }
    }
  }

  @Test
  void allocatesNothing() {
    ThreadMXBean bean = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Set<Long> ids = ConcurrentHashMap.newKeySet();
    CountDownLatch all = new CountDownLatch(4);
    try (WorkerTeam team = new WorkerTeam(4)) {
      team.run(
          new Chunks(
              4,
              chunk -> {
                ids.add(Thread.currentThread().threadId());
                all.countDown();
                await(all);
              }));
      long[] threads = ids.stream().mapToLong(Long::longValue).toArray();
      assertThat(threads).hasSize(4);
      Work work = Chunks.idle(8);
      long bytes = Long.MAX_VALUE;
      // The first rounds load classes and are compiled.
      for (int round = 0; round < 50 && bytes > 0; round++) {
        long before = allocated(bean, threads);
        long own = allocated(bean, threads) - before;
        before = allocated(bean, threads);
        for (int i = 0; i < 2000; i++) {
          team.run(work);
        }
        bytes = allocated(bean, threads) - before - own;
      }
      assertThat(bytes).as("bytes allocated in 2000 runs").isZero();
    }
  }

  private static long allocated(ThreadMXBean bean, long[] threads) {
    long sum = 0;
    for (long thread : threads) {
      sum += bean.getThreadAllocatedBytes(thread);
    }
    return sum;
  }

  /** Mostly nothing; sometimes as long as a spin, sometimes long enough for others to sleep. */
  private static void delay(long seed) {
    int dice = new Random(seed).nextInt(100);
    if (dice < 15) {
      LockSupport.parkNanos(40_000);
    } else if (dice < 17) {
      LockSupport.parkNanos(300_000);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
