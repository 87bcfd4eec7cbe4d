package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only a process of its own can show: streams that close, signals, the locale. */
class ProcessTest {
  @TempDir private Path folder;

  @Test
  void aReaderThatHasEnoughEndsItQuietly() throws Exception {
    Outcome outcome =
        Forked.inShell(
            folder,
            "{ \"$@\"; echo \"code $?\" >&2; } | head -n 1",
            "generate",
            "-m",
            TinyModel.Q8_0.toString(),
            "-p",
            "First line\nOnce upon a time",
            "-n",
            "100000",
            "--ignore-eos");
    assertThat(outcome.out()).isEqualTo("First line\n");
    assertThat(outcome.err()).isEqualTo("code 0\n");
  }

  @Test
  void textIsUtf8WhateverTheLocale() throws Exception {
    Path prompt = Files.writeString(folder.resolve("prompt.txt"), "Prinzeßchen 王女 👸");
    Outcome outcome =
        Forked.run(
            folder,
            Map.of("LC_ALL", "C"),
            Forked.command(
                "generate", "-m", TinyModel.Q8_0.toString(), "-f", prompt.toString(), "-n", "0"));
    assertThat(outcome.out()).isEqualTo("Prinzeßchen 王女 👸\n");
  }

  @Test
  void ctrlCEndsAGenerationWithWhatThereIs() throws Exception {
    Process process =
        start(
            "generate",
            "-m",
            TinyModel.Q8_0.toString(),
            "-p",
            "One",
            "-n",
            "100000",
            "--temp",
            "0",
            "--ignore-eos");
    BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
    assertThat(out.skip(20)).isEqualTo(20); // it is at work
    interrupt(process);
    assertThat(out.readAllAsString()).endsWith("\n");
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(130);
    assertThat(process.errorReader(StandardCharsets.UTF_8).readAllAsString())
        .contains("ended by interrupted");
  }

  @Test
  void aFailureShowsItsStackTraceWhenAsked() throws Exception {
    String missing = folder.resolve("missing.gguf").toString();
    Outcome outcome = Forked.run(folder, "inspect", missing, "--debug");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).contains("\tat dev.mamba4j.", "mamba4j: " + missing);
  }

  private static Process start(String... arguments) throws IOException {
    // A build in the background ignores Ctrl-C, and what it starts inherits that.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
    command.addAll(Forked.command(arguments));
    return new ProcessBuilder(command).start();
  }

  private static void interrupt(Process process) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
  }
}
