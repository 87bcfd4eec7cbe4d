package dev.mamba4j.kernels;

import org.junit.jupiter.api.Tag;

@Tag("vector-width")
class VectorKernelsTest extends KernelsTest {
  @Override
  Kernels kernels() {
    return new VectorKernels();
  }
}
