package dev.mamba4j.kernels;

import org.junit.jupiter.api.Tag;

@Tag("vector-width")
class VectorLayerKernelsTest extends LayerKernelsTest {
  @Override
  Kernels kernels() {
    return new VectorKernels();
  }
}
