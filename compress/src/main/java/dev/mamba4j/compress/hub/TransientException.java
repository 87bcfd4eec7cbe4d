package dev.mamba4j.compress.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** A failure of the network or the server that another try may overcome. */
final class TransientException extends IOException {
  private static final long serialVersionUID = 1L;
  private final boolean unreachable;
  private final Duration retryAfter;

  private TransientException(
      String message, boolean unreachable, Duration retryAfter, Throwable cause) {
    super(message, cause);
    this.unreachable = unreachable;
    this.retryAfter = retryAfter;
  }

  /** No connection came about: name, address, port or certificate. */
  static TransientException unreachable(String message, Throwable cause) {
    return new TransientException(message, true, null, cause);
  }

  /** A connection that was cut or fell silent. */
  static TransientException broken(String message, Throwable cause) {
    return new TransientException(message, false, null, cause);
  }

  /** A server that asks to come back later. */
  static TransientException busy(String message, Optional<Duration> retryAfter) {
    return new TransientException(message, false, retryAfter.orElse(null), null);
  }

  boolean isUnreachable() {
    return unreachable;
  }

  /** How long the server asks to wait. */
  Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
