package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessorsTest {
  @TempDir private Path root;

  private void put(String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private void allow(String list) throws IOException {
    put("proc/self/status", "Name:\tjava\nCpus_allowed:\tff\nCpus_allowed_list:\t" + list + "\n");
  }

  private void speeds(String file, int... speeds) throws IOException {
    for (int i = 0; i < speeds.length; i++) {
      put("sys/devices/system/cpu/cpu" + i + "/" + file, speeds[i] + "\n");
    }
  }

  /** An RK3588: four Cortex-A55 and four Cortex-A76, whose clusters differ a little. */
  @Test
  void prefersTheBigCores() throws IOException {
    allow("0-7");
    speeds("cpu_capacity", 414, 414, 414, 414, 1001, 1001, 1024, 1024);
    Processors processors = Processors.read(root);
    assertThat(processors.usable()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
    assertThat(processors.fast()).containsExactly(4, 5, 6, 7);
    assertThat(processors.someAreSlow()).isTrue();
    assertThat(processors.defaultThreads())
        .isEqualTo(Math.min(4, Runtime.getRuntime().availableProcessors()));
  }

  @Test
  void takesTheClockWhereThereIsNoCapacity() throws IOException {
    allow("0-3");
    speeds("cpufreq/cpuinfo_max_freq", 2400000, 2400000, 1200000, 1200000);
    assertThat(Processors.read(root).fast()).containsExactly(0, 1);
  }

  @Test
  void comparesThoseThatMayBeUsed() throws IOException {
    speeds("cpu_capacity", 414, 414, 414, 414, 1024, 1024, 1024, 1024);
    allow("1,3");
    assertThat(Processors.read(root)).isEqualTo(new Processors(List.of(1, 3), List.of()));
    assertThat(Processors.read(root).fast()).containsExactly(1, 3);
    allow("2-3,6");
    assertThat(Processors.read(root).fast()).containsExactly(6);
  }

  @Test
  void takesAllWhereTheyAreAlikeOrUnknown() throws IOException {
    allow("0-1");
    speeds("cpu_capacity", 1024, 1024);
    assertThat(Processors.read(root).fast()).containsExactly(0, 1);
    assertThat(Processors.read(root).someAreSlow()).isFalse();
    speeds("cpu_capacity", 1024);
    Files.delete(root.resolve("sys/devices/system/cpu/cpu1/cpu_capacity"));
    assertThat(Processors.read(root).fast()).containsExactly(0, 1);
    speeds("cpu_capacity", 1024, 0);
    put("sys/devices/system/cpu/cpu1/cpu_capacity", "many\n");
    assertThat(Processors.read(root).fast()).containsExactly(0, 1);
    Processors unknown = Processors.read(root.resolve("nothing"));
    assertThat(unknown.fast()).isEmpty();
    assertThat(unknown.someAreSlow()).isFalse();
    assertThat(unknown.defaultThreads()).isEqualTo(Runtime.getRuntime().availableProcessors());
  }

  @Test
  void aTeamKeepsItsThreadsToTheFastOnes() {
    List<Integer> here = Processors.ofThisProcess().usable();
    assumeThat(here).as("processors of this machine").hasSizeGreaterThan(1);
    int first = here.getFirst();
    int last = here.getLast();
    Processors slowLast = new Processors(List.of(first, last), List.of(2, 1));
    assertThat(placesOfMembers(1, slowLast)).isEmpty();
    assertThat(placesOfMembers(2, slowLast)).containsExactly(here); // one is too few for two
    Processors three = new Processors(List.of(first, first, last), List.of(9, 9, 1));
    assertThat(placesOfMembers(2, three)).containsExactly(List.of(first));
    assertThat(placesOfMembers(2, new Processors(List.of(70000, 70001, last), List.of(9, 9, 1))))
        .containsExactly(here); // the system has no such processors
    assertThat(Processors.ofThisProcess().usable()).isEqualTo(here); // ours was not touched
  }

  /** Where the threads of a team other than the calling one may run, one list for each. */
  private static Set<List<Integer>> placesOfMembers(int size, Processors processors) {
    Set<List<Integer>> places = ConcurrentHashMap.newKeySet();
    CountDownLatch all = new CountDownLatch(size);
    Thread caller = Thread.currentThread();
    try (WorkerTeam team = new WorkerTeam(size, processors)) {
      team.run(
          new Chunks(
              size,
              chunk -> {
                all.countDown();
                awaitAll(all);
                if (Thread.currentThread() != caller) {
                  places.add(Processors.read(Path.of("/"), "proc/thread-self/status").usable());
                }
              }));
    }
    return places;
  }

  private static void awaitAll(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
