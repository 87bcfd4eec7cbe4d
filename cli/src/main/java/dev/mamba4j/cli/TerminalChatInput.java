package dev.mamba4j.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/**
 * Lines that a person types, with editing and history. Ctrl-C ends an answer; where a line is
 * awaited it leaves, as Ctrl-D does.
 */
final class TerminalChatInput implements ChatInput {
  private static final String PROMPT = "> ";

  private final Console console;
  private final Terminal terminal;
  private final LineReader reader;
  private volatile boolean stop;

  TerminalChatInput(Console console, Terminal terminal) {
    this.console = console;
    this.terminal = terminal;
    terminal.handle(Terminal.Signal.INT, _ -> stop = true);
    reader =
        LineReaderBuilder.builder()
            .terminal(terminal)
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true) // "!" is just that
            .build();
  }

  /** The terminal of the process. */
  static TerminalChatInput open(Console console) throws IOException {
    return new TerminalChatInput(
        console,
        TerminalBuilder.builder().encoding(StandardCharsets.UTF_8).nativeSignals(true).build());
  }

  @Override
  public Optional<String> readLine() {
    try {
      String line = reader.readLine(PROMPT);
      stop = false;
      return Optional.of(line);
    } catch (EndOfFileException _) {
      return Optional.empty();
    } catch (UserInterruptException _) {
      console.interruption().request();
      return Optional.empty();
    }
  }

  @Override
  public boolean stopsAnswer() {
    return stop;
  }

  @Override
  public void close() throws IOException {
    terminal.close();
  }
}
