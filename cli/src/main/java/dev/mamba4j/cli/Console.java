package dev.mamba4j.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Where a command reads and writes, always UTF-8: results go to standard output, all else to
 * standard error.
 */
final class Console {
  /** Set by the launcher: which of {@code in}, {@code out} and {@code err} are terminals. */
  private static final String TERMINALS_PROPERTY = "mamba4j.terminals";

  private final InputStream in;
  private final OutputStream out;
  private final PrintStream err;
  private final List<String> terminals;
  private final Interruption interruption = new Interruption();

  Console(InputStream in, OutputStream out, OutputStream err, List<String> terminals) {
    this.in = in;
    this.out = out;
    this.err = new PrintStream(err, true, StandardCharsets.UTF_8);
    this.terminals = terminals;
  }

  /** The streams of the process. */
  static Console system() {
    return new Console(
        new FileInputStream(FileDescriptor.in),
        new FileOutputStream(FileDescriptor.out),
        new FileOutputStream(FileDescriptor.err),
        List.of(System.getProperty(TERMINALS_PROPERTY, "").split(",", -1)));
  }

  InputStream in() {
    return in;
  }

  OutputStream out() {
    return out;
  }

  PrintStream err() {
    return err;
  }

  /** Whether a person reads and types. */
  boolean isInteractive() {
    return terminals.contains("in") && terminals.contains("out");
  }

  /** Whether a person watches standard error. */
  boolean showsProgress() {
    return terminals.contains("err");
  }

  /** Told when the user presses Ctrl-C. */
  Interruption interruption() {
    return interruption;
  }

  /**
   * Writes to standard output, at once.
   *
   * @throws OutputException if it takes no more
   */
  void print(String text) {
    try {
      out.write(text.getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      throw new OutputException(e);
    }
  }

  /** Writes a line to standard output; see {@link #print}. */
  void printLine(String text) {
    print(text + "\n");
  }

  /** Writes a line to standard error. */
  void note(String text) {
    err.println(text);
  }
}
