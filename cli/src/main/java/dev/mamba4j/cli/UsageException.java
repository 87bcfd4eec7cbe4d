package dev.mamba4j.cli;

/** The command line asks for something that cannot be. The message is one line for the user. */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UsageException(String message) {
    super(message);
  }

  UsageException(IllegalArgumentException cause) {
    super(cause.getMessage(), cause);
  }
}
