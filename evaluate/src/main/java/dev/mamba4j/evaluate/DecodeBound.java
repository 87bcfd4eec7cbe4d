package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.formats.gguf.GgufTensor;

/**
 * What the bandwidth of memory allows: decoding a token reads every weight once (of the embedding
 * one row, unless it is the head too) and reads and writes the state once. Sequences that decode
 * together share the reading of the weights.
 *
 * @param bytesPerToken read and written
 * @param bytesPerSecond measured read bandwidth
 */
public record DecodeBound(long bytesPerToken, double bytesPerSecond) {
  /**
   * The bound of a model on this machine, for so many sequences together; measures the bandwidth.
   */
  public static DecodeBound of(LanguageModel model, int sequences) {
    return of(model, sequences, ReadBandwidth.measure(model.threads()));
  }

  /** The same where the bandwidth is known. */
  public static DecodeBound of(LanguageModel model, int sequences, double bytesPerSecond) {
    long weights =
        StepWork.tensorsRead(model).map(GgufTensor::info).mapToLong(info -> info.byteSize()).sum();
    long state = model.mamba2().config().stateBytes();
    return new DecodeBound(weights / sequences + 2 * state, bytesPerSecond);
  }

  /** The most tokens per second. */
  public double tokensPerSecond() {
    return bytesPerSecond / bytesPerToken;
  }
}
