package dev.mamba4j.evaluate;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The energy counters of Linux: those of the processor's packages (RAPL, {@code
 * /sys/class/powercap}) or, where there are none, of the board's sensors ({@code /sys/class/hwmon},
 * {@code energyN_input}). Both count microjoules. RAPL is for the superuser unless the
 * administrator allows more.
 */
final class EnergyCounter {
  private final String source;
  private final List<Counter> counters;

  /**
   * One file that counts.
   *
   * @param range where it begins again at 0; 0 if it does not say
   */
  private record Counter(Path file, long range) {
    long read() throws IOException {
      return number(file);
    }

    long since(long earlier) throws IOException {
      long now = read();
      return now >= earlier ? now - earlier : now - earlier + range;
    }
  }

  private EnergyCounter(String source, List<Counter> counters) {
    this.source = source;
    this.counters = counters;
  }

  /** The counters of this machine, if it has some that may be read. */
  static Optional<EnergyCounter> find() {
    return find(Path.of("/"));
  }

  /**
   * @param root {@code /}, or a folder that stands in for it
   */
  static Optional<EnergyCounter> find(Path root) {
    List<Counter> packages = new ArrayList<>();
    for (Path zone : list(root.resolve("sys/class/powercap"), "intel-rapl:?")) {
      read(zone.resolve("energy_uj"), zone.resolve("max_energy_range_uj")).ifPresent(packages::add);
    }
    if (!packages.isEmpty()) {
      return Optional.of(new EnergyCounter("RAPL, processor packages", packages));
    }
    List<Counter> sensors = new ArrayList<>();
    for (Path chip : list(root.resolve("sys/class/hwmon"), "hwmon*")) {
      for (Path input : list(chip, "energy*_input")) {
        read(input, null).ifPresent(sensors::add);
      }
    }
    return sensors.isEmpty()
        ? Optional.empty()
        : Optional.of(new EnergyCounter("sensors of the board (hwmon)", sensors));
  }

  private static List<Path> list(Path folder, String pattern) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, pattern)) {
      entries.forEach(found::add);
    } catch (IOException _) {
      return List.of(); // another system, or none of the kind
    }
    return found.stream().sorted().toList();
  }

  private static Optional<Counter> read(Path file, Path rangeFile) {
    try {
      long range = rangeFile == null ? 0 : number(rangeFile);
      Counter counter = new Counter(file, range);
      long _ = counter.read();
      return Optional.of(counter);
    } catch (IOException _) {
      return Optional.empty(); // not for this user
    }
  }

  private static long number(Path file) throws IOException {
    try {
      return Long.parseLong(Files.readString(file).strip());
    } catch (NumberFormatException e) {
      throw new IOException(file + ": expected a number", e);
    }
  }

  /** What is counted, for people. */
  String source() {
    return source;
  }

  /** What the counters say now. */
  Reading read() throws IOException {
    Map<Counter, Long> now = new LinkedHashMap<>();
    for (Counter counter : counters) {
      now.put(counter, counter.read());
    }
    return new Reading(now);
  }

  /** Joules since then, all counters together. */
  double joulesSince(Reading before) throws IOException {
    long microjoules = 0;
    for (Map.Entry<Counter, Long> each : before.values.entrySet()) {
      microjoules += each.getKey().since(each.getValue());
    }
    return microjoules / 1e6;
  }

  /** What all counters said at one time. */
  static final class Reading {
    private final Map<Counter, Long> values;

    private Reading(Map<Counter, Long> values) {
      this.values = values;
    }
  }
}
