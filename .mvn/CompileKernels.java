import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Compiles the native kernels with the C compilers that are found here: {@code CompileKernels.java
 * SOURCES CLASSES STAMPS}.
 *
 * <p>Each instruction set becomes {@code CLASSES/native/linux-ARCHITECTURE/libmamba4j-SET.so}.
 * Without a compiler the build goes on, and so does the program, without native kernels. A library
 * is made anew when its sources or the command have changed.
 */
final class CompileKernels {
  private static final List<String> COMMON =
      List.of(
          "-std=c11",
          "-O3",
          "-fPIC",
          "-fvisibility=hidden",
          "-fno-math-errno",
          "-ffp-contract=off",
          "-Wall",
          "-Wextra",
          "-Werror");

  private static final List<Library> LIBRARIES =
      List.of(
          new Library("x86_64", "avx2", List.of("-mavx2", "-mfma", "-mf16c")),
          new Library(
              "x86_64",
              "avx512",
              List.of(
                  "-mavx512f",
                  "-mfma",
                  "-mavx512bw",
                  "-mavx512dq",
                  "-mavx512vl",
                  "-mavx512vnni",
                  "-mf16c")),
          new Library("aarch64", "neon", List.of("-march=armv8.2-a+dotprod", "-mtune=cortex-a76")));

  /**
   * @param set the instruction set, and the name of its source file
   * @param flags what lets the compiler use it; the check for it is compiled without
   */
  private record Library(String architecture, String set, List<String> flags) {
    boolean isOfThisMachine() {
      String name = System.getProperty("os.arch");
      return architecture.equals(name.equals("amd64") ? "x86_64" : name);
    }

    /** What to look for, the best first. */
    List<String> compilers() {
      return isOfThisMachine()
          ? List.of("cc", "gcc", "clang")
          : List.of(architecture + "-linux-gnu-gcc");
    }
  }

  private final Path sources;
  private final Path classes;
  private final Path stamps;

  private CompileKernels(Path sources, Path classes, Path stamps) {
    this.sources = sources;
    this.classes = classes;
    this.stamps = stamps;
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    if (!System.getProperty("os.name").equals("Linux")) {
      System.out.println("Native kernels: none, they are for Linux; the Vector API carries on");
      return;
    }
    CompileKernels build =
        new CompileKernels(
            Path.of(args[0]).toAbsolutePath(),
            Path.of(args[1]).toAbsolutePath(),
            Path.of(args[2]).toAbsolutePath());
    List<String> outcomes = new ArrayList<>();
    boolean some = false;
    for (Library library : LIBRARIES) {
      outcomes.add(library.architecture + " " + library.set + " " + build.make(library));
      some |= library.isOfThisMachine() && Files.exists(build.target(library));
    }
    String carriesOn = some ? "" : "; here the Vector API carries on";
    System.out.println("Native kernels: " + String.join(", ", outcomes) + carriesOn);
  }

  /** Makes a library if it must be made, and says in a few words what came of it. */
  private String make(Library library) throws IOException, InterruptedException {
    Path target = target(library);
    Optional<Path> compiler =
        library.compilers().stream().flatMap(name -> find(name).stream()).findFirst();
    if (compiler.isEmpty()) {
      Files.deleteIfExists(target);
      return "has no compiler (" + String.join(", ", library.compilers()) + ")";
    }
    Path stamp = stamps.resolve(library.set + ".txt");
    String inputs = inputs(compiler.get(), library);
    if (Files.exists(target) && Files.exists(stamp) && Files.readString(stamp).equals(inputs)) {
      return "is up to date";
    }
    Files.createDirectories(target.getParent());
    Files.createDirectories(stamps);
    Files.deleteIfExists(stamp);
    Files.deleteIfExists(target);
    Path kernels = stamps.resolve(library.set + ".o");
    Path check = stamps.resolve(library.set + "-supported.o");
    String macro = "-DMAMBA4J_" + library.set.toUpperCase(Locale.ROOT);
    boolean made =
        run(compiler.get(), library.flags, "-c", library.set + ".c", "-o", kernels.toString())
            && run(compiler.get(), List.of(macro), "-c", "supported.c", "-o", check.toString())
            && run(
                compiler.get(),
                List.of("-shared", "-Wl,--build-id=none"),
                kernels.toString(),
                check.toString(),
                "-o",
                target.toString());
    if (!made) {
      Files.deleteIfExists(target);
      return "failed";
    }
    Files.writeString(stamp, inputs);
    return "compiled by " + compiler.get().getFileName();
  }

  private Path target(Library library) {
    return classes.resolve(
        "native/linux-" + library.architecture + "/libmamba4j-" + library.set + ".so");
  }

  private static Optional<Path> find(String name) {
    return Stream.of(System.getenv("PATH").split(":"))
        .map(folder -> Path.of(folder, name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Relative names, from the folder of the sources, so that the result is the same everywhere. */
  private boolean run(Path compiler, List<String> flags, String... files)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(compiler.toString());
    command.addAll(COMMON);
    command.addAll(flags);
    command.addAll(List.of(files));
    return new ProcessBuilder(command).directory(sources.toFile()).inheritIO().start().waitFor()
        == 0;
  }

  /** Changes when a source, an option or the compiler changes. */
  private String inputs(Path compiler, Library library) throws IOException {
    try (Stream<Path> files = Files.list(sources)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Path file : files.sorted().toList()) {
        digest.update(file.getFileName().toString().getBytes(StandardCharsets.UTF_8));
        digest.update(Files.readAllBytes(file));
      }
      Path real = compiler.toRealPath();
      return String.join(
          "\n",
          HexFormat.of().formatHex(digest.digest()),
          COMMON.toString(),
          library.toString(),
          real + " " + Files.getLastModifiedTime(real),
          "");
    } catch (NoSuchAlgorithmException e) {
      throw new UncheckedIOException(new IOException(e));
    }
  }
}
