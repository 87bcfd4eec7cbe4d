package dev.mamba4j.cli;

import dev.mamba4j.compress.hub.HubException;
import dev.mamba4j.engine.sampling.SamplingException;
import dev.mamba4j.engine.template.TemplateException;
import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** One line for the user from whatever went wrong. */
final class ErrorMessages {
  private static final int LONGEST = 2000;
  private static final String NO_SUCH_FILE = "no such file";
  private static final String ON_BAD_MEMORY_ACCESS = "fault occurred in a";

  private ErrorMessages() {}

  /** What failed, on one line without control characters. */
  static String of(Throwable failure) {
    return oneLine(describe(failure));
  }

  private static String describe(Throwable failure) {
    return switch (failure) {
      case UncheckedIOException e when !(e instanceof OutputException) -> describe(e.getCause());
      case FormatException e -> e.getMessage();
      case HubException e -> e.getMessage();
      case FileSystemException e -> file(e);
      case IOException e when e.getMessage() != null -> e.getMessage();
      case UsageException e -> e.getMessage();
      case OutputException e -> e.getMessage();
      case SamplingException e -> e.getMessage();
      case TemplateException e -> e.getMessage();
      case IllegalArgumentException e when e.getMessage() != null -> e.getMessage();
      case OutOfMemoryError e ->
          "not enough memory (%s); give Java more: MAMBA4J_JAVA_OPTS=-Xmx4g"
              .formatted(e.getMessage());
      case InternalError e
          when e.getMessage() != null && e.getMessage().contains(ON_BAD_MEMORY_ACCESS) ->
          "a file was cut short, or its disk failed, while it was in use";
      default -> "unexpected error, please report it: %s (--debug shows more)".formatted(failure);
    };
  }

  private static String file(FileSystemException e) {
    String reason = e.getReason();
    String what =
        switch (e) {
          case NoSuchFileException _ when reason == null || reason.equals(NO_SUCH_FILE) ->
              NO_SUCH_FILE;
          case NoSuchFileException _ -> NO_SUCH_FILE + "; " + reason;
          case FileSystemException _ when reason != null -> reason;
          case AccessDeniedException _ -> "permission denied";
          case NotDirectoryException _ -> "not a folder";
          default -> e.getClass().getSimpleName();
        };
    return e.getFile() + ": " + what;
  }

  /** Escapes what could break the line or move a terminal's cursor. */
  static String oneLine(String text) {
    StringBuilder line = new StringBuilder();
    text.codePoints()
        .limit(LONGEST)
        .forEach(
            c -> {
              switch (Character.getType(c)) {
                case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    line.append(c == '\n' ? " " : "\\u%04x".formatted(c));
                default -> line.appendCodePoint(c);
              }
            });
    return line.toString();
  }
}
