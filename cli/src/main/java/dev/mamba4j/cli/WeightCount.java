package dev.mamba4j.cli;

import dev.mamba4j.formats.gguf.GgufTensorInfo;
import java.util.stream.Stream;

/**
 * How much weights take.
 *
 * @param weights number of values
 * @param bytes of their tensors, without what lies between them
 */
record WeightCount(long weights, long bytes) {
  static WeightCount of(Stream<GgufTensorInfo> tensors) {
    return tensors
        .map(tensor -> new WeightCount(tensor.elements(), tensor.byteSize()))
        .reduce(new WeightCount(0, 0), WeightCount::plus);
  }

  private WeightCount plus(WeightCount other) {
    return new WeightCount(weights + other.weights, bytes + other.bytes);
  }

  /** Average size of a value in bits; 0 if there is none. */
  double bitsPerWeight() {
    return weights == 0 ? 0 : 8.0 * bytes / weights;
  }

  /** For instance {@code 4.1 MB (8.53 bits per weight)}. */
  @Override
  public String toString() {
    return Figures.bytes(bytes) + " (" + Figures.number(bitsPerWeight()) + " bits per weight)";
  }
}
