import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the arm64 kernels cost on a Cortex-A76, and what follows for a board with four: {@code
 * cortex-a76}, once the kernels are built ({@code mvn compile}).
 *
 * <p>Each kernel runs under qemu, which writes down every instruction. llvm-mca then tells in how
 * many cycles a Neoverse N1, the Cortex-A76 of servers, executes this sequence if all data is in
 * the first cache and every branch is foreseen; it is never less than a quarter of the
 * instructions, since the core decodes four a cycle. Two sizes are traced, and the difference
 * counts, so that beginnings drop out.
 *
 * <p>Needs qemu-aarch64-static, aarch64-linux-gnu-gcc and -objdump, and llvm-mca of LLVM 17 or
 * newer (older ones take the core for a Cortex-A57).
 */
final class CortexA76 {
  private static final int DECODED_A_CYCLE = 4;
  private static final double CORES = 4;
  private static final double HERTZ = 2.4e9;
  private static final double[] BANDWIDTHS = {17.3e9, 22e9};

  /** Of a prompt, that pass unpacked weights together. */
  private static final int TOKENS = 32;

  /** The shape of mamba2-2.7b. */
  private static final int LAYERS = 64;

  private static final int WIDTH = 2560;
  private static final int INNER = 5120;
  private static final int HEADS = 80;
  private static final int HEAD_SIZE = 64;
  private static final int STATE_SIZE = 128;
  private static final int TAPS = 4;
  private static final int CHANNELS = INNER + 2 * STATE_SIZE;
  private static final int PROJECTED = INNER + CHANNELS + HEADS;
  private static final int VOCABULARY = 50288;
  private static final double WEIGHTS =
      LAYERS * ((double) PROJECTED * WIDTH + (double) WIDTH * INNER) + (double) VOCABULARY * WIDTH;
  private static final double STATE_VALUES = (double) LAYERS * INNER * STATE_SIZE;

  /** Read and written, in single precision. */
  private static final double STATE_BYTES = 2 * 4 * STATE_VALUES;

  /**
   * @param values of a block
   * @param bytes of a block
   */
  private record Type(String name, int number, int values, int bytes) {
    int activationBlock() {
      return values == 1 ? 0 : values;
    }
  }

  private record Cost(double instructions, double cycles) {
    Cost minus(Cost other) {
      return new Cost(instructions - other.instructions, cycles - other.cycles);
    }

    Cost over(double count) {
      return new Cost(instructions / count, cycles / count);
    }
  }

  private final Path root;
  private final Path work;
  private final Path program;
  private final String mca;
  private final Map<Long, String> instructions = new HashMap<>();
  private final Map<String, Long> functions = new HashMap<>();
  private long mainEnd;

  private CortexA76(Path root, Path work) throws IOException, InterruptedException {
    this.root = root;
    this.work = work;
    this.program = work.resolve("kernel");
    this.mca = findMca();
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    Path root = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(root.resolve("kernels/src/main/c"))) {
      root = root.getParent();
      if (root == null) {
        throw new IOException("start it in the repository");
      }
    }
    Path work = Files.createTempDirectory("cortex-a76");
    try {
      CortexA76 bench = new CortexA76(root, work);
      bench.build();
      bench.report();
    } finally {
      try (Stream<Path> files = Files.list(work)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(work);
    }
  }

  private void report() throws IOException, InterruptedException {
    Map<String, Cost> parts = new LinkedHashMap<>();
    parts.put("norm", slope(1024, 2048, "norm"));
    parts.put("quantize, blocks of 32", slope(1024, 2048, "quantize", 32));
    parts.put("quantize, blocks of 256", slope(1024, 2048, "quantize", 256));
    parts.put("convolve", slope(1024, 2048, "convolve", TAPS));
    parts.put("scan", slope(1, 2, "scan", HEAD_SIZE, STATE_SIZE).over(HEAD_SIZE * STATE_SIZE));
    System.out.println("| operation | instructions a value | cycles a value |\n|---|---|---|");
    parts.forEach(
        (name, cost) ->
            System.out.printf("| %s | %.3f | %.3f |%n", name, cost.instructions, cost.cycles));

    System.out.printf(
        "%n| product | instructions a weight | cycles a weight | a core reads, GB/s |"
            + "%n|---|---|---|---|%n");
    Map<Type, Cost> products = new LinkedHashMap<>();
    for (Type type : types()) {
      int rowBytes = WIDTH / type.values * type.bytes;
      Cost cost =
          slope(4, 8, "multiply", type.number, type.activationBlock(), WIDTH, rowBytes, 1)
              .over(WIDTH);
      products.put(type, cost);
      double read = HERTZ * type.bytes / type.values / cost.cycles / 1e9;
      System.out.printf(
          "| %s | %.3f | %.3f | %.1f |%n", type.name, cost.instructions, cost.cycles, read);
    }

    System.out.printf(
        "%n| 2.7B shape | GB a token | Mcycles a token | of these on one core | tokens/s,"
            + " arithmetic |");
    for (double bandwidth : BANDWIDTHS) {
      System.out.printf(" memory %.1f GB/s | both |", bandwidth / 1e9);
    }
    System.out.println("\n|---|---|---|---|---|---|---|---|---|");
    products.forEach((type, cost) -> estimate(type, cost, parts));

    System.out.println(
        "\n| prefill | instructions a weight and token | cycles | tokens/s, arithmetic |"
            + "\n|---|---|---|---|");
    for (Type type : products.keySet()) {
      int rowBytes = WIDTH / type.values * type.bytes;
      Cost cost =
          slope(8, 16, "multiply", type.number, type.activationBlock(), WIDTH, rowBytes, TOKENS)
              .over((double) WIDTH * TOKENS);
      double tokens = HERTZ / (alone(type, parts) + shared(cost, parts)) * CORES;
      System.out.printf(
          "| %s | %.3f | %.3f | %.1f |%n", type.name, cost.instructions, cost.cycles, tokens);
    }
  }

  /** Cycles a token of norms and roundings, which one core does for a single token. */
  private static double alone(Type type, Map<String, Cost> parts) {
    double normed = LAYERS * (WIDTH + INNER) + WIDTH;
    double cycles = normed * parts.get("norm").cycles;
    if (type.activationBlock() != 0) {
      String quantize = type.values == 256 ? "quantize, blocks of 256" : "quantize, blocks of 32";
      cycles += normed * parts.get(quantize).cycles;
    }
    return cycles;
  }

  /**
   * Cycles a token of all else. A prompt has the head for its last token only; this counts it for
   * each.
   */
  private static double shared(Cost product, Map<String, Cost> parts) {
    return WEIGHTS * product.cycles
        + STATE_VALUES * parts.get("scan").cycles
        + (double) LAYERS * CHANNELS * parts.get("convolve").cycles;
  }

  /** Norms and roundings are on one core while the others wait; all else is shared. */
  private static void estimate(Type type, Cost product, Map<String, Cost> parts) {
    double alone = alone(type, parts);
    double shared = shared(product, parts);
    double bytes = WEIGHTS * type.bytes / type.values + STATE_BYTES;
    double arithmetic = alone / HERTZ + shared / CORES / HERTZ;
    System.out.printf(
        "| %s | %.2f | %.0f | %.1f | %.1f |",
        type.name, bytes / 1e9, (alone + shared) / 1e6, alone / 1e6, 1 / arithmetic);
    for (double bandwidth : BANDWIDTHS) {
      double memory = bytes / bandwidth;
      double both = alone / HERTZ + Math.max(shared / CORES / HERTZ, memory);
      System.out.printf(" %.1f | %.1f |", 1 / memory, 1 / both);
    }
    System.out.println();
  }

  /** The types that the kernels have products for, in their order. */
  private List<Type> types() throws IOException {
    String blocks = Files.readString(root.resolve("kernels/src/main/c/blocks.h"));
    String table = Files.readString(root.resolve("kernels/src/main/c/operations.h"));
    Map<String, Integer> numbers = new HashMap<>();
    Matcher number = Pattern.compile("TYPE_(\\w+) = (\\d+)").matcher(blocks);
    while (number.find()) {
      numbers.put(number.group(1), Integer.parseInt(number.group(2)));
    }
    List<Type> types = new ArrayList<>();
    Matcher row = Pattern.compile("\\{TYPE_(\\w+), (\\d+), (\\d+),").matcher(table);
    while (row.find()) {
      int values = Integer.parseInt(row.group(2));
      int bytes = Integer.parseInt(row.group(3));
      types.add(new Type(row.group(1), numbers.get(row.group(1)), values, bytes));
    }
    if (types.isEmpty()) {
      throw new IOException("no table of types in operations.h");
    }
    return types;
  }

  /** What one more unit of the last number costs, between two sizes. */
  private Cost slope(int from, int to, String operation, int... numbers)
      throws IOException, InterruptedException {
    return cost(to, operation, numbers)
        .minus(cost(from, operation, numbers))
        .over((double) to - from);
  }

  private Cost cost(int size, String operation, int... numbers)
      throws IOException, InterruptedException {
    Path log = work.resolve("log");
    List<String> command = new ArrayList<>();
    // One instruction at a time, none chained to the next: each one executed is logged.
    command.addAll(
        List.of("qemu-aarch64-static", "-cpu", "cortex-a76", "-singlestep", "-d", "exec,nochain"));
    command.addAll(List.of("-D", log.toString(), program.toString(), operation));
    for (int number : numbers) {
      command.add(String.valueOf(number));
    }
    command.add(String.valueOf(size));
    run(command);
    String function = operation.equals("norm") ? "mamba4j_rms_norm" : "mamba4j_" + operation;
    List<String> trace = trace(log, functions.get(function));
    Path assembly = work.resolve("trace.s");
    Files.write(assembly, trace);
    String summary =
        run(
            List.of(
                mca,
                "-mtriple=aarch64",
                "-mcpu=neoverse-n1",
                "-iterations=1",
                "-resource-pressure=false",
                "-instruction-info=false",
                assembly.toString()));
    Matcher cycles = Pattern.compile("Total Cycles: *(\\d+)").matcher(summary);
    if (!cycles.find()) {
      throw new IOException("llvm-mca gave no cycles: " + summary);
    }
    double decoded = (double) trace.size() / DECODED_A_CYCLE;
    return new Cost(trace.size(), Math.max(decoded, Double.parseDouble(cycles.group(1))));
  }

  /** The instructions from the beginning of a function to its return to main. */
  private List<String> trace(Path log, long function) throws IOException {
    Pattern line = Pattern.compile("^Trace \\d+: \\S+ \\[[0-9a-f]+/([0-9a-f]+)/");
    List<String> trace = new ArrayList<>();
    try (BufferedReader reader = Files.newBufferedReader(log)) {
      for (String text = reader.readLine(); text != null; text = reader.readLine()) {
        Matcher matcher = line.matcher(text);
        if (matcher.find()) {
          long address = Long.parseLong(matcher.group(1), 16);
          boolean inMain = address >= functions.get("main") && address < mainEnd;
          if (!trace.isEmpty() && inMain) {
            return trace;
          }
          if (!trace.isEmpty() || address == function) {
            trace.add(instructions.get(address));
          }
        }
      }
    }
    throw new IOException("the trace of qemu has no call of the kernel");
  }

  private void build() throws IOException, InterruptedException {
    Path kernels = root.resolve("kernels/target/native/neon.o");
    if (!Files.exists(kernels)) {
      throw new IOException(kernels + " is missing; build it with: mvn compile");
    }
    run(
        List.of(
            "aarch64-linux-gnu-gcc",
            "-O1",
            "-static",
            "-I" + root.resolve("kernels/src/main/c"),
            root.resolve("bench/cortex-a76.c").toString(),
            kernels.toString(),
            "-o",
            program.toString()));
    disassemble();
  }

  /** Targets of branches and pages are left out of the text: only what is executed counts. */
  private void disassemble() throws IOException, InterruptedException {
    String text =
        run(List.of("aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", program.toString()));
    Pattern label = Pattern.compile("^([0-9a-f]+) <(\\w+)>:$");
    Pattern instruction = Pattern.compile("^ *([0-9a-f]+):\\s+(.*)$");
    String function = "";
    for (String line : text.split("\n")) {
      Matcher matcher = label.matcher(line);
      if (matcher.find()) {
        function = matcher.group(2);
        functions.put(function, Long.parseLong(matcher.group(1), 16));
        continue;
      }
      matcher = instruction.matcher(line);
      if (matcher.find()) {
        long address = Long.parseLong(matcher.group(1), 16);
        String code = matcher.group(2).replaceAll("\\s*//.*", "");
        String page = code.startsWith("adrp") ? "#4096" : "#8";
        instructions.put(address, code.replaceAll("(?<=[\\s,])[0-9a-f]+ <[^>]*>", page));
        if (function.equals("main")) {
          mainEnd = address + 4;
        }
      }
    }
  }

  private static String findMca() throws IOException, InterruptedException {
    Pattern version = Pattern.compile("LLVM version (\\d+)");
    List<String> names =
        Stream.concat(
                Stream.of("llvm-mca"), Stream.of(22, 21, 20, 19, 18, 17).map(n -> "llvm-mca-" + n))
            .toList();
    for (String name : names) {
      try {
        Matcher matcher = version.matcher(run(List.of(name, "--version")));
        if (matcher.find() && Integer.parseInt(matcher.group(1)) >= 17) {
          return name;
        }
      } catch (IOException e) {
        // Not here; the next may be.
      }
    }
    throw new IOException("none of " + names + " is here in version 17 or newer; install llvm-19");
  }

  private static String run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output;
    try (BufferedReader reader = process.inputReader()) {
      output = reader.lines().collect(Collectors.joining("\n"));
    }
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + " failed: " + output);
    }
    return output;
  }
}
