package dev.mamba4j.kernels;

import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

@ParameterizedClass(allowZeroInvocations = true)
@MethodSource("dev.mamba4j.kernels.NativeSets#expected")
class NativeLayerKernelsTest extends LayerKernelsTest {
  @Parameter InstructionSet set;

  @Override
  Kernels kernels() {
    return new NativeKernels(NativeLibrary.load(set));
  }
}
