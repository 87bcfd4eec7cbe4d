package dev.mamba4j.compress.hub;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/**
 * A repository could not be fetched. The message is one line for the user: what failed, where, and
 * what to do. What a server sent is quoted without characters that could move a terminal's cursor.
 */
public final class HubException extends IOException {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST = 2000;

  /** An error with the whole message. */
  public HubException(String message) {
    super(printable(message));
  }

  /** An error with the whole message and what led to it. */
  public HubException(String message, Throwable cause) {
    super(printable(message), cause);
  }

  /** The error of a file or folder on this machine. */
  static HubException local(String action, Path path, IOException cause) {
    return new HubException("cannot " + action + " " + path + ": " + reason(cause), cause);
  }

  private static String reason(IOException cause) {
    return switch (cause) {
      case AccessDeniedException _ -> "permission denied";
      case NoSuchFileException _ -> "no such file";
      case FileAlreadyExistsException _, NotDirectoryException _ -> "a file is in the way";
      case FileSystemException e when e.getReason() != null -> e.getReason();
      default -> cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    };
  }

  private static String printable(String message) {
    StringBuilder line = new StringBuilder(message.length());
    message
        .codePoints()
        .limit(LONGEST)
        .forEach(
            c -> {
              switch (Character.getType(c)) {
                case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    line.append(String.format("\\u%04x", c));
                default -> line.appendCodePoint(c);
              }
            });
    return line.toString();
  }
}
