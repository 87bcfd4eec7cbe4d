package dev.mamba4j.cli;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * This program again, in a process of its own: what a user would see who starts it, its memory and
 * its start included.
 */
final class Child {
  private static final String PREFIX = "mamba4j: ";

  private final Console console;

  Child(Console console) {
    this.console = console;
  }

  /** By the launcher, where that started us too. */
  private static List<String> command(List<String> arguments) {
    List<String> command = new ArrayList<>();
    String launcher = System.getProperty("mamba4j.launcher");
    if (launcher != null) {
      command.add(launcher);
    } else {
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
      command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"));
      command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    }
    command.addAll(arguments);
    return command;
  }

  /**
   * Runs a command to its end.
   *
   * @throws IOException with the command's own message if it fails
   * @throws InterruptedIOException if this thread is interrupted; the command is gone then
   */
  void run(List<String> arguments) throws IOException {
    String _ = output(arguments);
  }

  /** The object that a command prints; see {@link #run}. */
  JsonObject json(List<String> arguments) throws IOException {
    String name = String.join(" ", arguments.subList(0, 1));
    return JsonObject.of(name, Json.parse(output(arguments), name));
  }

  private String output(List<String> arguments) throws IOException {
    Path out = Files.createTempFile("mamba4j", ".out");
    Path err = Files.createTempFile("mamba4j", ".err");
    try {
      Process process =
          new ProcessBuilder(command(arguments))
              .redirectOutput(out.toFile())
              .redirectError(console.showsProgress() ? Redirect.INHERIT : Redirect.to(err.toFile()))
              .start();
      process.getOutputStream().close();
      int code = await(process);
      if (code != ExitCode.DONE) {
        throw new IOException(arguments.getFirst() + " failed: " + message(err, code));
      }
      return Files.readString(out);
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }

  /** What the command said last, if that is not on the screen already. */
  private static String message(Path err, int code) throws IOException {
    return Files.readString(err)
        .lines()
        .filter(line -> line.startsWith(PREFIX))
        .reduce((_, last) -> last)
        .map(line -> line.substring(PREFIX.length()))
        .orElse("it ended with code " + code);
  }

  private static int await(Process process) throws InterruptedIOException {
    try {
      return process.waitFor();
    } catch (InterruptedException _) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  /** Seconds from the start of a command to the first byte that it prints. */
  double secondsToFirstByte(List<String> arguments) throws IOException {
    long start = System.nanoTime();
    Process process =
        new ProcessBuilder(command(arguments)).redirectError(Redirect.DISCARD).start();
    try (InputStream out = process.getInputStream()) {
      process.getOutputStream().close();
      int first = out.read();
      double seconds = (System.nanoTime() - start) / 1e9;
      out.transferTo(OutputStream.nullOutputStream());
      int code = await(process);
      if (first < 0 || code != ExitCode.DONE) {
        throw new IOException(
            "%s printed nothing and ended with code %d".formatted(arguments.getFirst(), code));
      }
      return seconds;
    }
  }
}
