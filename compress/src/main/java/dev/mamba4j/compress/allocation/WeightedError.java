package dev.mamba4j.compress.allocation;

import dev.mamba4j.compress.ImportanceWeighted;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.TensorEncoder;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * How much a type changes what a matrix gives: the sum of squared errors of its weights, each times
 * the mean square of the input of its column. That is the mean squared error of the outputs, were
 * the inputs independent. Cheap: it needs no run of the model, and some rows tell of all.
 */
final class WeightedError {
  /** Weights of the rows that are looked at. */
  private static final int SAMPLE = 1 << 20;

  private WeightedError() {}

  static double of(SourceTensor tensor, TensorType type, Optional<ImportanceMatrix> importance)
      throws IOException {
    int columns = (int) tensor.info().columns();
    long rows = tensor.info().rows();
    long taken = Math.min(rows, Math.max(1, SAMPLE / columns));
    Optional<float[]> means = importance.flatMap(matrix -> matrix.means(tensor.name()));
    TensorEncoder encoder = TensorEncoder.of(tensor, type, ImportanceWeighted.of(importance));
    float[] exact = new float[columns];
    float[] rounded = new float[columns];
    double sum = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(type.byteSize(columns), 64);
      for (long i = 0; i < taken; i++) {
        long first = i * rows / taken * columns;
        tensor.values().read(first, exact, columns);
        encoder.encode(first, columns, bytes);
        type.decode(bytes, 0, rounded, 0, columns);
        for (int c = 0; c < columns; c++) {
          double error = rounded[c] - exact[c];
          sum += error * error * (means.isPresent() ? means.get()[c] : 1);
        }
      }
    }
    return sum * rows / taken;
  }
}
