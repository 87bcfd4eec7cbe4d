package dev.mamba4j.engine.sampling;

/** No token can be chosen from these logits. The message is one line for the user. */
public final class SamplingException extends RuntimeException {
  SamplingException(String message) {
    super(message);
  }
}
