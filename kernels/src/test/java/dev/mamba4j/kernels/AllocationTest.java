package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The vector kernels make no garbage once they are compiled: garbage would mean that vectors go
 * through the heap.
 */
@Tag("vector-width")
class AllocationTest {
  private static final int CALLS = 500;
  private static final int MOST_ROUNDS = 2000;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Kernels kernels = new VectorKernels();

  /** All in turn, so that the compiler sees every type at every call. */
  @Test
  void productsOfAllTypesAllocateNothing() {
    try (Arena arena = Arena.ofConfined()) {
      List<Matrix> matrices =
          Arrays.stream(TensorType.values())
              .filter(VectorProducts::supports)
              .map(type -> new Matrix(type, 13, 256, arena.allocate(type.byteSize(13 * 256))))
              .toList();
      Activations x = Activations.allocate(arena, 2, 256);
      Vectors y = Vectors.allocate(arena, 2, 13);
      assertAllocatesNothing(
          () -> {
            for (int i = 0; i < matrices.size(); i++) {
              kernels.multiply(matrices.get(i), 0, 13, x, 2, y);
              kernels.multiplyAdd(matrices.get(i), 0, 13, x, 2, y);
            }
          });
    }
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
