package dev.mamba4j.kernels;

class ScalarLayerKernelsTest extends LayerKernelsTest {
  @Override
  Kernels kernels() {
    return new ScalarKernels();
  }
}
