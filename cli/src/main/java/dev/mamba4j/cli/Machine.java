package dev.mamba4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What Linux tells about the machine in {@code /proc} and {@code /sys}; on other systems nothing is
 * known.
 *
 * @param cpu the processor's name, or those of its kinds of cores
 * @param features instruction sets that matter to our kernels
 * @param cores how many there are
 * @param governor how the clock of the first core is chosen
 * @param memoryBytes all memory, 0 if unknown
 * @param availableBytes what can be had without swapping, 0 if unknown
 */
record Machine(
    String cpu,
    List<String> features,
    int cores,
    Optional<String> governor,
    long memoryBytes,
    long availableBytes) {
  private static final Set<String> TELLING_FEATURES =
      Set.of(
          "sse4_2",
          "avx",
          "avx2",
          "fma",
          "f16c",
          "avx_vnni",
          "avx512f",
          "avx512bw",
          "avx512vl",
          "avx512_vnni",
          "avx512_bf16",
          "amx_int8",
          "asimd",
          "asimdhp",
          "asimddp",
          "i8mm",
          "bf16",
          "sve",
          "sve2");

  /** Arm's own cores by the number in {@code CPU part}. */
  private static final Map<String, String> ARM_CORES =
      Map.of(
          "0xd03", "Cortex-A53",
          "0xd05", "Cortex-A55",
          "0xd08", "Cortex-A72",
          "0xd0b", "Cortex-A76",
          "0xd0c", "Neoverse-N1",
          "0xd40", "Neoverse-V1",
          "0xd41", "Cortex-A78",
          "0xd49", "Neoverse-N2",
          "0xd4f", "Neoverse-V2");

  /**
   * Reads what there is.
   *
   * @param root {@code /}, or a folder that stands in for it
   */
  static Machine read(Path root) {
    List<String> cpuinfo = lines(root.resolve("proc/cpuinfo"));
    List<String> meminfo = lines(root.resolve("proc/meminfo"));
    Path cpus = root.resolve("sys/devices/system/cpu");
    int cores = (int) cpuinfo.stream().filter(line -> line.startsWith("processor")).count();
    return new Machine(
        cpu(cpuinfo),
        features(cpuinfo),
        cores,
        lines(cpus.resolve("cpu0/cpufreq/scaling_governor")).stream().findFirst(),
        kilobytes(meminfo, "MemTotal"),
        kilobytes(meminfo, "MemAvailable"));
  }

  private static String cpu(List<String> cpuinfo) {
    Optional<String> name = values(cpuinfo, "model name").stream().findFirst();
    if (name.isPresent()) {
      return name.get();
    }
    Map<String, Integer> kinds = new LinkedHashMap<>();
    for (String part : values(cpuinfo, "CPU part")) {
      kinds.merge(ARM_CORES.getOrDefault(part, "part " + part), 1, Integer::sum);
    }
    List<String> names = new ArrayList<>();
    kinds.forEach((kind, count) -> names.add(count + " x " + kind));
    return names.isEmpty() ? "unknown" : String.join(" + ", names);
  }

  private static List<String> features(List<String> cpuinfo) {
    List<String> flags = new ArrayList<>(values(cpuinfo, "flags"));
    flags.addAll(values(cpuinfo, "Features"));
    return flags.isEmpty()
        ? List.of()
        : Arrays.stream(flags.getFirst().split(" ", -1))
            .filter(TELLING_FEATURES::contains)
            .toList();
  }

  private static long kilobytes(List<String> meminfo, String key) {
    return values(meminfo, key).stream()
        .findFirst()
        .map(value -> Long.parseLong(value.split(" ", 2)[0]) * 1024)
        .orElse(0L);
  }

  private static List<String> values(List<String> lines, String key) {
    return lines.stream()
        .filter(line -> line.startsWith(key))
        .map(line -> line.split(":", 2))
        .filter(parts -> parts.length == 2 && parts[0].strip().equals(key))
        .map(parts -> parts[1].strip())
        .toList();
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException _) {
      return List.of(); // another system, or a kernel that does not tell
    }
  }
}
