package dev.mamba4j.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A command in a JVM of its own, started as the launcher starts it. */
final class Forked {
  /** On a busy machine a JVM needs some seconds to start. */
  private static final int PATIENCE_SECONDS = 60;

  private Forked() {}

  /** The launcher's command, with the class path of the tests and little heap. */
  static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmx512m"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Main.class.getName());
    command.addAll(List.of(arguments));
    return command;
  }

  static Outcome run(Path folder, String... arguments) throws IOException, InterruptedException {
    return run(folder, Map.of(), command(arguments));
  }

  static Outcome run(Path folder, Map<String, String> environment, List<String> command)
      throws IOException, InterruptedException {
    Path out = Files.createTempFile(folder, "out", ".txt");
    Path err = Files.createTempFile(folder, "err", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    process.getOutputStream().close();
    return outcome(process, out, err);
  }

  private static Outcome outcome(Process process, Path out, Path err)
      throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("still running after " + PATIENCE_SECONDS + " s");
    }
    return new Outcome(process.exitValue(), text(out), text(err));
  }

  /** As a shell would run it: the command is {@code "$@"} in the script. */
  static Outcome inShell(Path folder, String script, String... arguments)
      throws IOException, InterruptedException {
    List<String> shell = new ArrayList<>(List.of("sh", "-c", script, "sh"));
    shell.addAll(command(arguments));
    return run(folder, Map.of(), shell);
  }

  private static String text(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8);
  }
}
