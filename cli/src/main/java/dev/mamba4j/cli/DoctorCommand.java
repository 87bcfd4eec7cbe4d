package dev.mamba4j.cli;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.kernels.KernelChoice;
import dev.mamba4j.kernels.Processors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What this machine is, what is used of it and why. */
@Command(
    name = "doctor",
    description = "Shows what mamba4j runs on here, and what to change where that costs speed.")
final class DoctorCommand implements Callable<Integer> {
  private static final long LITTLE_MEMORY = 1L << 30;
  private static final String BYTES = "_bytes";

  private final Console console;

  @Option(names = "--json", description = "Print it as JSON.")
  private boolean json;

  DoctorCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    Machine machine = Machine.read(Path.of("/"));
    KernelChoice kernels = KernelChoice.decide();
    Map<String, Object> facts = facts(machine, kernels);
    facts.put("advice", advice(machine, kernels));
    console.print(json ? Json.write(facts) + "\n" : text(facts));
    return ExitCode.DONE;
  }

  private static Map<String, Object> facts(Machine machine, KernelChoice kernels) {
    Runtime runtime = Runtime.getRuntime();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("mamba4j", RootCommand.Version.version());
    facts.put("launcher", System.getProperty("mamba4j.launcher", "not used"));
    facts.put(
        "java",
        "%s, %s, %s"
            .formatted(
                Runtime.version(),
                System.getProperty("java.vm.name"),
                System.getProperty("java.vendor")));
    facts.put("java_home", System.getProperty("java.home"));
    facts.put("java_heap_bytes", runtime.maxMemory());
    facts.put(
        "system",
        "%s %s, %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch")));
    facts.put("cpu", machine.cpu());
    facts.put("cpu_features", machine.features());
    facts.put("cores", machine.cores());
    facts.put("cores_usable", runtime.availableProcessors());
    Processors processors = Processors.ofThisProcess();
    facts.put("cores_fast", processors.fast());
    facts.put("core_speeds", processors.speeds());
    facts.put("default_threads", processors.defaultThreads());
    facts.put("clock_governor", machine.governor().orElse("unknown"));
    facts.put("memory_bytes", machine.memoryBytes());
    facts.put("memory_available_bytes", machine.availableBytes());
    facts.put("kernels", kernels.kernels().name());
    facts.put("kernels_known", kernels.reasons());
    return facts;
  }

  private static List<String> advice(Machine machine, KernelChoice kernels) {
    List<String> advice = new ArrayList<>();
    if (kernels.kernels().name().equals("scalar")) {
      advice.add(
          System.getProperty(KernelChoice.PROPERTY) != null
              ? "the scalar kernels are slow; -D" + KernelChoice.PROPERTY + " asks for them"
              : "the scalar kernels are slow; start Java with --add-modules jdk.incubator.vector,"
                  + " as the launcher does");
    }
    if (System.getProperty("java.vm.info", "").contains("interpreted mode")) {
      advice.add("Java does not compile; take -Xint away");
    }
    int usable = Runtime.getRuntime().availableProcessors();
    if (usable < machine.cores()) {
      advice.add(
          "%d of %d cores may be used; lift the limit of the container or of taskset"
              .formatted(usable, machine.cores()));
    }
    machine
        .governor()
        .filter(governor -> governor.equals("powersave") || governor.equals("ondemand"))
        .ifPresent(
            governor ->
                advice.add(
                    "the clock governor is %s; performance is faster: cpupower frequency-set -g performance"
                        .formatted(governor)));
    if (machine.availableBytes() > 0 && machine.availableBytes() < LITTLE_MEMORY) {
      advice.add(
          "%s of memory are available; weights that do not fit are read from the disk for every token"
              .formatted(Figures.bytes(machine.availableBytes())));
    }
    return advice;
  }

  private static String text(Map<String, Object> facts) {
    StringBuilder text = new StringBuilder();
    facts.forEach(
        (name, value) -> {
          boolean bytes = name.endsWith(BYTES);
          String label = bytes ? name.substring(0, name.length() - BYTES.length()) : name;
          String shown = bytes ? Figures.bytes((Long) value) : show(value);
          text.append("%-18s%s\n".formatted(label.replace('_', ' '), shown));
        });
    return text.toString();
  }

  private static String show(Object value) {
    if (!(value instanceof List<?> list)) {
      return value.toString();
    }
    boolean sentences = list.stream().anyMatch(item -> item.toString().contains(" "));
    return list.isEmpty()
        ? "none"
        : list.stream()
            .map(Object::toString)
            .collect(Collectors.joining(sentences ? "\n" + " ".repeat(18) : " "));
  }
}
