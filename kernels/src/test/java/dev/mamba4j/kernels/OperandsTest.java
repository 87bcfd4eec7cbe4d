package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** Shapes and memory that do not fit each other are refused where they meet. */
class OperandsTest {
  private final MemorySegment memory = Arena.ofAuto().allocate(1 << 12, 64);

  @Test
  void aMatrixFillsItsMemory() {
    assertThat(new Matrix(TensorType.Q8_0, 3, 64, memory.asSlice(0, 204)).rowBytes()).isEqualTo(68);
    refuses(() -> new Matrix(TensorType.Q8_0, 3, 64, memory.asSlice(0, 203)));
    refuses(() -> new Matrix(TensorType.Q8_0, 3, 65, memory.asSlice(0, 204)));
    refuses(() -> new Matrix(TensorType.F32, 0, 4, memory.asSlice(0, 0)));
    refuses(() -> new Matrix(TensorType.F32, 1, 1, MemorySegment.ofArray(new byte[4])));
  }

  @Test
  void vectorsFillTheirMemory() {
    assertThat(new Vectors(3, 4, memory.asSlice(0, 48)).columns()).isEqualTo(4);
    refuses(() -> new Vectors(3, 4, memory.asSlice(0, 44)));
    refuses(() -> new Vectors(-3, -4, memory.asSlice(0, 48)));
    refuses(() -> new Vectors(1, 1, MemorySegment.ofArray(new byte[4])));
  }

  @Test
  void activationsAreWholeBlocks() {
    try (Arena arena = Arena.ofConfined()) {
      Activations x = Activations.allocate(arena, 2, 64).withBlock(32);
      assertThat(x.scales().byteSize()).isEqualTo(16);
      assertThat(x.sums().byteSize()).isEqualTo(32);
      refuses(() -> Activations.allocate(arena, 2, 65).withBlock(32));
      MemorySegment none = MemorySegment.NULL;
      refuses(() -> x.withBlock(16));
      refuses(() -> x.withBlock(40));
      refuses(() -> new Activations(x.values(), 32, x.quants(), none, x.sums()));
      refuses(() -> new Activations(x.values(), 32, x.scales(), x.scales(), x.sums()));
      refuses(() -> new Activations(x.values(), 32, x.quants(), x.scales(), x.scales()));
    }
  }

  @Test
  void layersHaveShapesThatExist() {
    assertThat(layer(2, 3, 1, 4, 2).projected()).isEqualTo(6 + 6 + 8 + 2);
    refuses(() -> layer(3, 3, 2, 4, 2));
    refuses(() -> layer(2, 3, 1, 4, 0));
    refuses(() -> layer(2, 0, 1, 4, 2));
    refuses(() -> layer(1 << 16, 1 << 16, 1, 1, 1));
    refuses(() -> layer(1 << 30, 1, 1 << 30, 1 << 30, 1));
    int most = Integer.MAX_VALUE;
    refuses(() -> layer(most, most, most, most, most));
  }

  /** With memory for the shape of 2 heads of 3, a state of 4 and 2 taps. */
  private StateSpaceLayer layer(int heads, int headSize, int groups, int stateSize, int taps) {
    MemorySegment perHead = memory.asSlice(0, 8);
    return new StateSpaceLayer(
        heads,
        headSize,
        groups,
        stateSize,
        taps,
        memory.asSlice(0, 4 * 2 * 14),
        memory.asSlice(0, 4 * 14),
        perHead,
        perHead,
        perHead);
  }

  @Test
  void weightsOfConvolutionsAreTransposed() {
    MemorySegment weight = memory.asSlice(0, 24);
    for (int i = 0; i < 6; i++) {
      weight.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
    }
    MemorySegment transposed = StateSpaceLayer.transposeConvWeight(Arena.ofAuto(), weight, 2, 3);
    assertThat(transposed.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(0, 3, 1, 4, 2, 5);
  }

  private static void refuses(Runnable construction) {
    assertThatIllegalArgumentException().isThrownBy(construction::run);
  }
}
