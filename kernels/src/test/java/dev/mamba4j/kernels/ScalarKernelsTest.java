package dev.mamba4j.kernels;

class ScalarKernelsTest extends KernelsTest {
  @Override
  Kernels kernels() {
    return new ScalarKernels();
  }
}
