package dev.mamba4j.engine;

import dev.mamba4j.formats.tensor.TensorType;

/** How the recurrent values of a remembered state are kept. */
public enum StatePacking {
  /** As they are: 32 bits a value, nothing lost. */
  FLOAT(TensorType.F32),
  /** Half precision: 16 bits a value. */
  HALF(TensorType.F16),
  /** Signed bytes with a scale for each 32 values: 8.5 bits a value. */
  INT8(TensorType.Q8_0);

  private final TensorType type;

  StatePacking(TensorType type) {
    this.type = type;
  }

  TensorType type() {
    return type;
  }
}
