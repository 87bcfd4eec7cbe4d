package dev.mamba4j.formats;

import java.io.IOException;

/**
 * A file does not hold what its format demands. The message is one line for the user: file, place,
 * what was expected, what was found.
 */
public final class FormatException extends IOException {
  private static final long serialVersionUID = 1L;

  /** An error with the whole message. */
  public FormatException(String message) {
    super(message);
  }

  /** An error with the whole message and what led to it. */
  public FormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
