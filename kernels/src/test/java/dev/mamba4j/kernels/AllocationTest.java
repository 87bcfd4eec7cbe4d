package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The fast kernels make no garbage once they are compiled: for the vector kernels, garbage would
 * mean that vectors go through the heap.
 */
@Tag("vector-width")
@ParameterizedClass
@MethodSource("kernels")
class AllocationTest {
  private static final int CALLS = 500;
  private static final int MOST_ROUNDS = 2000;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @Parameter Kernels kernels;

  static Stream<Kernels> kernels() throws IOException {
    return Stream.concat(Stream.of(new VectorKernels()), NativeSets.kernels());
  }

  private record Operands(Matrix weights, Activations x) {}

  /** All in turn, so that the compiler sees every type at every call. */
  @Test
  void productsOfAllTypesAllocateNothing() {
    try (Arena arena = Arena.ofConfined()) {
      Activations x = Activations.allocate(arena, 2, 256);
      List<Operands> products =
          Arrays.stream(TensorType.values())
              .filter(type -> hasFastProduct(type, x))
              .map(
                  type ->
                      new Operands(
                          new Matrix(type, 13, 256, arena.allocate(type.byteSize(13 * 256))),
                          x.withBlock(kernels.activationBlock(type))))
              .toList();
      Vectors y = Vectors.allocate(arena, 2, 13);
      assertAllocatesNothing(
          () -> {
            for (int i = 0; i < products.size(); i++) {
              Operands product = products.get(i);
              kernels.quantize(product.x, 0);
              kernels.multiply(product.weights, 0, 13, product.x, 2, y);
              kernels.multiplyAdd(product.weights, 0, 13, product.x, 1, y);
            }
          });
    }
  }

  /** The others are left to the scalar loops, which decode rows to the heap. */
  private boolean hasFastProduct(TensorType type, Activations x) {
    return kernels instanceof NativeKernels c
        ? c.hasProduct(type, x)
        : VectorProducts.supports(type);
  }

  @Test
  void normsConvolutionsAndScansAllocateNothing() {
    Numbers numbers = new Numbers(1);
    LayerFixture fixture = LayerFixture.random(numbers, 4, 21, 2, 37, 4);
    try (LayerMemory memory = new LayerMemory(fixture, 2, numbers)) {
      Vectors weight = memory.guards.vectors(1, fixture.inner(), numbers.floats(fixture.inner()));
      assertAllocatesNothing(
          () -> {
            memory.convolve(kernels, 0, fixture.channels(), 0, 2);
            memory.scan(kernels, 0, fixture.heads(), 0, 2);
            kernels.rmsNorm(memory.y, 0, weight.data(), 42, 1e-5f, memory.y);
          });
    }
  }

  /** Calls in rounds until ten in a row allocate nothing; how soon depends on the compiler. */
  private static void assertAllocatesNothing(Runnable call) {
    int clean = 0;
    long bytes = 0;
    for (int round = 0; round < MOST_ROUNDS && clean < 10; round++) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < CALLS; i++) {
        call.run();
      }
      bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
      clean = bytes == 0 ? clean + 1 : 0;
    }
    assertThat(clean).as("rounds without garbage; the last made %d bytes", bytes).isEqualTo(10);
  }
}
