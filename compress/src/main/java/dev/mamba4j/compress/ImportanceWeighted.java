package dev.mamba4j.compress;

import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.tensor.TensorType;
import java.util.Optional;

/**
 * Scales that make the error of the products small: the squared error of each weight counts as the
 * mean square of the input that it is multiplied with.
 *
 * @param matrix the mean squares; a matrix that it does not name is rounded to nearest
 */
public record ImportanceWeighted(ImportanceMatrix matrix) implements QuantizationMethod {
  /** The method for what is known: rounding to nearest where that is nothing. */
  public static QuantizationMethod of(Optional<ImportanceMatrix> matrix) {
    return matrix.isPresent() ? new ImportanceWeighted(matrix.get()) : new RoundToNearest();
  }

  @Override
  public String name() {
    return "importance";
  }

  @Override
  public String fingerprint() {
    return name() + " " + matrix.fingerprint();
  }

  /** The keys of llama.cpp's llama-quantize. */
  @Override
  public void describe(GgufMetadata.Builder keys) {
    QuantizationMethod.super.describe(keys);
    matrix.datasets().stream()
        .findFirst()
        .ifPresent(text -> keys.putString("quantize.imatrix.dataset", text));
    keys.putUint32("quantize.imatrix.entries_count", matrix.entries().size());
    keys.putUint32("quantize.imatrix.chunks_count", matrix.chunks());
  }

  @Override
  public RowEncoder encoder(SourceTensor tensor, TensorType type) {
    Optional<float[]> importance = matrix.means(tensor.name());
    if (!tensor.isMatrix() || importance.isEmpty()) {
      return new RoundToNearest().encoder(tensor, type);
    }
    return (values, count, target) -> type.encode(values, 0, importance.get(), target, 0, count);
  }
}
