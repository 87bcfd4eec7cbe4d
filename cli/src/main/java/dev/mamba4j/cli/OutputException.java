package dev.mamba4j.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;

/** Standard output takes no more. */
final class OutputException extends UncheckedIOException {
  private static final long serialVersionUID = 1L;

  OutputException(IOException cause) {
    super("standard output: " + cause.getMessage(), cause);
  }

  /** Whether the program that reads our output has had enough, as {@code head} does. */
  boolean readerIsGone() {
    String reason = getCause().getMessage();
    return reason != null && reason.toLowerCase(Locale.ROOT).contains("pipe");
  }
}
