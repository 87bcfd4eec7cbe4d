package dev.mamba4j.compress.gptq;

import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.util.Optional;

/**
 * Error feedback onto the grid of any type (GPTQ, Frantar et al. 2022, arXiv 2210.17323): see
 * {@link FeedbackRows}. Matrices whose inputs were not seen go to another method.
 */
final class Gptq implements QuantizationMethod {
  /** Share of the mean of the diagonal of H that is added to it. */
  private static final double DAMPING = 0.01;

  private final InputProducts products;
  private final QuantizationMethod otherwise;

  Gptq(InputProducts products, QuantizationMethod otherwise) {
    this.products = products;
    this.otherwise = otherwise;
  }

  @Override
  public RowEncoder encoder(SourceTensor tensor, TensorType type) throws IOException {
    Optional<float[][]> sums =
        type.blockSize() > 1 ? products.take(tensor.name()) : Optional.empty();
    if (sums.isEmpty()) {
      return otherwise.encoder(tensor, type);
    }
    float[][] h = sums.get();
    for (int i = 0; i < h.length; i++) {
      if (!Float.isFinite(h[i][i])) {
        throw new FormatException(
            "tensor %s: input %d is not a finite number on this text; calibrate with another"
                .formatted(tensor.name(), i));
      }
    }
    InverseFactor.of(h, DAMPING);
    FeedbackRows rows = new FeedbackRows(type, h);
    return rows::encode;
  }
}
