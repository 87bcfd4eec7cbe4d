package dev.mamba4j.compress;

import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.tensor.TensorType;

/** Scales that make the squared error of the weights small; each weight counts alike. */
public final class RoundToNearest implements QuantizationMethod {
  @Override
  public String name() {
    return "plain";
  }

  @Override
  public void describe(GgufMetadata.Builder keys) {
    // Nothing to tell.
  }

  @Override
  public RowEncoder encoder(SourceTensor tensor, TensorType type) {
    return (values, count, target) -> type.encode(values, 0, target, 0, count);
  }
}
