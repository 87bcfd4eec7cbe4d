package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WorkerTeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 8})
  void runsEveryChunkOnceAndPhasesInOrder(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      assertThat(team.size()).isEqualTo(threads);
      for (int i = 0; i < 200; i++) {
        CountedWork work = new CountedWork(1, 100, 3, 0, 7, 1, 1, 50);
        team.run(work);
        work.assertRanOnceInOrder();
      }
    }
  }

  @Test
  void runsPhasesWithoutChunksAndWorksWithoutPhases() {
    try (WorkerTeam team = new WorkerTeam(3)) {
      for (int[] sizes : new int[][] {{}, {0}, {0, 0, 0}, {0, 5}, {5, 0}, {0, 0, 2, 0, 0}}) {
        CountedWork work = new CountedWork(sizes);
        team.run(work);
        work.assertRanOnceInOrder();
      }
    }
  }

  @Test
  void takesTheMostChunksThatAreAllowed() {
    AtomicLong sum = new AtomicLong();
    try (WorkerTeam team = new WorkerTeam(2)) {
      team.run(new Chunks(WorkerTeam.MAX_CHUNKS, sum::addAndGet));
    }
    assertThat(sum).hasValue(WorkerTeam.MAX_CHUNKS * (WorkerTeam.MAX_CHUNKS - 1L) / 2);
  }

  @Test
  void refusesImpossibleNumbersOfChunks() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      for (int chunks : new int[] {-1, Integer.MIN_VALUE, WorkerTeam.MAX_CHUNKS + 1}) {
        assertThatThrownBy(() -> team.run(Chunks.idle(chunks)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("phase 0 has " + chunks + " chunks");
        assertStillWorks(team);
      }
    }
  }

  @Test
  void refusesATeamOfNobody() {
    assertThatThrownBy(() -> new WorkerTeam(0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void usesItsOwnThreadsAndTheCallers() {
    try (WorkerTeam team = new WorkerTeam(3)) {
      CountDownLatch all = new CountDownLatch(3);
      Set<Thread> threads = ConcurrentHashMap.newKeySet();
      team.run(
          new Chunks(
              3,
              chunk -> {
                threads.add(Thread.currentThread());
                all.countDown();
                await(all);
              }));
      assertThat(threads).hasSize(3).contains(Thread.currentThread());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 8})
  void exceptionsReachTheCallerAndTheTeamStaysUsable(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      for (int i = 0; i < 100; i++) {
        int bad = i;
        assertThatThrownBy(
                () ->
                    team.run(
                        new Chunks(
                            100,
                            chunk -> {
                              if (chunk == bad) {
                                throw new IllegalArgumentException("chunk " + chunk);
                              }
                            })))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("chunk " + bad);
        assertStillWorks(team);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void errorsAndExceptionsBetweenPhasesReachTheCaller(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      Error error = new AssertionError("error");
      assertFails(
          team,
          error,
          new CountedWork(3, 3) {
            @Override
            public void run(int phase, int chunk) {
              throw error;
            }
          });
      RuntimeException exception = new IllegalArgumentException("exception");
      for (int bad = 0; bad < 4; bad++) {
        int badPhase = bad;
        assertFails(
            team,
            exception,
            new CountedWork(3, 0, 3, 0) {
              @Override
              public void after(int phase) {
                super.after(phase);
                if (phase == badPhase) {
                  throw exception;
                }
              }
            });
        assertFails(
            team,
            exception,
            new CountedWork(3, 0, 3, 0) {
              @Override
              public int chunks(int phase) {
                if (phase == badPhase) {
                  throw exception;
                }
                return super.chunks(phase);
              }
            });
      }
      assertFails(
          team,
          exception,
          new CountedWork(2) {
            @Override
            public int phases() {
              throw exception;
            }
          });
    }
  }

  @Test
  void exceptionsBetweenPhasesReachTheCallerFromOtherThreads() {
    Thread caller = Thread.currentThread();
    RuntimeException exception = new IllegalArgumentException("exception");
    try (WorkerTeam team = new WorkerTeam(2)) {
      for (int bad = 0; bad < 2; bad++) {
        int badPhase = bad;
        CountDownLatch both = new CountDownLatch(2);
        assertFails(
            team,
            exception,
            new CountedWork(2, 0) {
              @Override
              public void run(int phase, int chunk) {
                both.countDown();
                await(both);
                if (Thread.currentThread() != caller) {
                  LockSupport.parkNanos(5_000_000); // so that this thread ends the phase
                }
                super.run(phase, chunk);
              }

              @Override
              public void after(int phase) {
                super.after(phase);
                if (phase == badPhase) {
                  throw exception;
                }
              }
            });
      }
    }
  }

  private static void assertFails(WorkerTeam team, Throwable expected, Work work) {
    assertThatThrownBy(() -> team.run(work)).isSameAs(expected);
    assertStillWorks(team);
  }

  @Test
  void noPhaseBeginsAfterAFailure() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      AtomicInteger later = new AtomicInteger();
      Work work =
          new CountedWork(2, 2) {
            @Override
            public void run(int phase, int chunk) {
              if (phase == 0) {
                throw new IllegalArgumentException();
              }
              later.incrementAndGet();
            }

            @Override
            public void after(int phase) {
              later.incrementAndGet();
            }
          };
      assertThatThrownBy(() -> team.run(work)).isInstanceOf(IllegalArgumentException.class);
      assertThat(later).hasValue(0);
    }
  }

  @Test
  void wakesThreadsThatHaveGoneToSleep() throws InterruptedException {
    try (WorkerTeam team = new WorkerTeam(4)) {
      for (int i = 0; i < 20; i++) {
        Thread.sleep(5);
        CountDownLatch all = new CountDownLatch(4);
        team.run(
            new Chunks(
                4,
                chunk -> {
                  all.countDown();
                  await(all);
                }));
      }
    }
  }

  @Test
  void runsNothingOnceClosed() {
    WorkerTeam team = new WorkerTeam(2);
    team.run(Chunks.idle(2));
    team.close();
    team.close();
    assertThatThrownBy(() -> team.run(Chunks.idle(2)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the worker team is closed");
  }

  @Test
  void closingWaitsForTheRunningWorkAndEndsTheThreads() throws Exception {
    for (int i = 0; i < 50; i++) {
      WorkerTeam team = new WorkerTeam(3);
      Set<Thread> threads = ConcurrentHashMap.newKeySet();
      CountDownLatch begun = new CountDownLatch(3);
      AtomicInteger ended = new AtomicInteger();
      Thread caller =
          Thread.startVirtualThread(
              () ->
                  team.run(
                      new Chunks(
                          3,
                          chunk -> {
                            threads.add(Thread.currentThread());
                            begun.countDown();
                            await(begun);
                            LockSupport.parkNanos(1_000_000);
                            ended.incrementAndGet();
                          })));
      await(begun);
      team.close();
      assertThat(ended).hasValue(3);
      assertThat(caller.join(Duration.ofSeconds(10))).isTrue();
      for (Thread thread : threads) {
        assertThat(thread.join(Duration.ofSeconds(10))).isTrue();
      }
    }
  }

  @Test
  void aWorkCanNeitherUseNorCloseItsOwnTeam() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      List<Throwable> refusals = Collections.synchronizedList(new ArrayList<>());
      CountDownLatch both = new CountDownLatch(2);
      team.run(
          new Chunks(
              2,
              chunk -> {
                both.countDown();
                await(both);
                assertThatThrownBy(() -> team.run(Chunks.idle(1))).satisfies(refusals::add);
                assertThatThrownBy(team::close).satisfies(refusals::add);
              }));
      assertThat(refusals).hasSize(4).allMatch(IllegalStateException.class::isInstance);
      assertStillWorks(team);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void tellsOfEveryPhaseInOrderAsLongAsItIsWanted(int threads) {
    List<String> told = new ArrayList<>();
    CountedWork work = new CountedWork(2, 0, 3, 0);
    WorkListener listener =
        new WorkListener() {
          @Override
          public void begins(Work begun) {
            told.add("begins");
          }

          @Override
          public void ended(Work running, int phase) {
            assertThat(running).isSameAs(work);
            told.add(running.name(phase));
          }
        };
    try (WorkerTeam team = new WorkerTeam(threads)) {
      team.tell(listener);
      team.run(work);
      team.tell(null);
      team.run(new CountedWork(2, 2));
    }
    work.assertRanOnceInOrder();
    assertThat(told).containsExactly("begins", "phase 0", "phase 1", "phase 2", "phase 3");
  }

  /** Members offer their processor in between, which must not cost them their place. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void runsWorksThatAreLongerThanATurn(int threads) throws InterruptedException {
    CountedWork work = slow(40, 1, 40);
    CountedWork another = slow(40, 1, 40);
    try (WorkerTeam team = new WorkerTeam(threads)) {
      team.run(work);
      Thread virtual = Thread.startVirtualThread(() -> team.run(another));
      assertThat(virtual.join(Duration.ofSeconds(30))).isTrue();
    }
    work.assertRanOnceInOrder();
    another.assertRanOnceInOrder();
  }

  private static CountedWork slow(int... sizes) {
    return new CountedWork(sizes) {
      @Override
      public void run(int phase, int chunk) {
        long end = System.nanoTime() + 200_000;
        while (System.nanoTime() < end) {
          Thread.onSpinWait();
        }
        super.run(phase, chunk);
      }
    };
  }

  @Test
  void anInterruptedCallerFinishesItsWork() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      Thread.currentThread().interrupt();
      CountedWork work = new CountedWork(100, 100);
      team.run(work);
      work.assertRanOnceInOrder();
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  private static void assertStillWorks(WorkerTeam team) {
    CountedWork work = new CountedWork(5, 5);
    team.run(work);
    work.assertRanOnceInOrder();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
