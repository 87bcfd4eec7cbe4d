package dev.mamba4j.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Lines from a pipe or file. */
final class PipedChatInput implements ChatInput {
  private final Console console;
  private final BufferedReader reader;

  PipedChatInput(Console console) {
    this.console = console;
    reader = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8));
    console.interruption().arm();
  }

  @Override
  public Optional<String> readLine() throws IOException {
    return console.interruption().requested()
        ? Optional.empty()
        : Optional.ofNullable(reader.readLine());
  }

  @Override
  public boolean stopsAnswer() {
    return console.interruption().requested();
  }

  @Override
  public void close() {}
}
