package dev.mamba4j.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/**
 * The processors that this process may use, as Linux tells it, and which of them are fast. On a
 * chip with big and little cores a team does best on the big ones alone: the little ones add hardly
 * any bandwidth, and the others wait for them.
 *
 * @param usable numbers of the processors that may be used, ascending; empty if unknown
 * @param speeds how fast each of these is, in a unit of the system; empty if unknown or all alike
 */
public record Processors(List<Integer> usable, List<Integer> speeds) {
  /** What is fast has at least this share of the speed of the fastest. */
  private static final double FAST = 0.6;

  private static final String USABLE_LINE = "Cpus_allowed_list:";

  /** Copies the lists. */
  public Processors {
    usable = List.copyOf(usable);
    speeds = List.copyOf(speeds);
  }

  /** Those of this process. */
  public static Processors ofThisProcess() {
    return read(Path.of("/"));
  }

  /**
   * Reads what there is.
   *
   * @param root {@code /}, or a folder that stands in for it
   */
  public static Processors read(Path root) {
    return read(root, "proc/self/status");
  }

  static Processors read(Path root, String status) {
    List<Integer> usable = List.of();
    for (String line : lines(root.resolve(status))) {
      if (line.startsWith(USABLE_LINE)) {
        usable = numbers(line.substring(USABLE_LINE.length()));
      }
    }
    Path folder = root.resolve("sys/devices/system/cpu");
    List<Integer> speeds = speeds(folder, usable, "cpu_capacity");
    if (speeds.isEmpty()) {
      speeds = speeds(folder, usable, "cpufreq/cpuinfo_max_freq");
    }
    return new Processors(usable, Set.copyOf(speeds).size() < 2 ? List.of() : speeds);
  }

  /** Empty unless all are known. */
  private static List<Integer> speeds(Path folder, List<Integer> usable, String file) {
    List<Integer> speeds = new ArrayList<>();
    for (int processor : usable) {
      for (String line : lines(folder.resolve("cpu" + processor).resolve(file))) {
        speeds.addAll(numbers(line));
      }
    }
    return speeds.size() == usable.size() ? speeds : List.of();
  }

  /** Of a list such as {@code 0-3,7}; none if it is something else. */
  private static List<Integer> numbers(String list) {
    List<Integer> numbers = new ArrayList<>();
    try {
      for (String range : list.strip().split(",", -1)) {
        String[] ends = range.split("-", 2);
        int first = Integer.parseInt(ends[0]);
        int last = ends.length == 1 ? first : Integer.parseInt(ends[1]);
        for (int number = first; number <= last; number++) {
          numbers.add(number);
        }
      }
    } catch (NumberFormatException _) {
      return List.of();
    }
    return numbers;
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException _) {
      return List.of(); // another system, or a kernel that does not tell
    }
  }

  /** Numbers of those that are fast: all, if none is known to be slow. */
  public List<Integer> fast() {
    if (speeds.isEmpty()) {
      return usable;
    }
    int fastest = Collections.max(speeds);
    List<Integer> fast = new ArrayList<>();
    for (int i = 0; i < speeds.size(); i++) {
      if (speeds.get(i) >= FAST * fastest) {
        fast.add(usable.get(i));
      }
    }
    return fast;
  }

  /** Whether some are slower than others. */
  public boolean someAreSlow() {
    return fast().size() < usable.size();
  }

  /**
   * How many threads do best: one for each fast processor, and no more than {@link
   * Runtime#availableProcessors}, which knows the limits of a container.
   */
  public int defaultThreads() {
    int available = Runtime.getRuntime().availableProcessors();
    return usable.isEmpty() ? available : Math.min(available, fast().size());
  }
}
