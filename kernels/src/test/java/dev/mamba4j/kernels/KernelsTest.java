package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What any implementation of {@link Kernels} computes for norms and products, against {@link
 * Equations} and the codecs of the tensor types.
 */
abstract class KernelsTest {
  /** Of a product, relative to the sum of its absolute terms. */
  private static final double PRODUCT_ERROR = 1e-6;

  /** Of a norm, relative to the result. */
  private static final double NORM_ERROR = 5e-7;

  /** Of an int8 value, in units of its block's scale: half, and a little for rounding. */
  private static final double QUANT_ERROR = 0.5 + 1e-4;

  /** Rounding to half precision, relative. */
  private static final double HALF_ERROR = 0x1p-11;

  private static final double SMALLEST_HALF = 0x1p-24;

  private static final float EPSILON = 1e-5f;

  abstract Kernels kernels();

  static Stream<TensorType> types() {
    return Arrays.stream(TensorType.values()).filter(TensorType::canDecode);
  }

  /** Every length of tail, or whole blocks; also more than is unpacked at a time. */
  static IntStream columns(TensorType type) {
    return type.blockSize() == 1
        ? IntStream.concat(IntStream.rangeClosed(1, 70), IntStream.of(2560))
        : IntStream.concat(
            IntStream.rangeClosed(1, 9).map(n -> n * type.blockSize()),
            IntStream.of(2560, UnpackedRows.COLUMNS + 256));
  }

  @ParameterizedTest
  @MethodSource("types")
  void supportsEveryTypeThatCanBeDecoded(TensorType type) {
    assertThat(kernels().supports(type)).isTrue();
  }

  @Test
  void supportsNoTypeThatCannotBeDecoded() {
    assertThat(kernels().supports(TensorType.I32)).isFalse();
  }

  @Test
  void multipliesNumbersByHand() {
    try (GuardedMemory memory = new GuardedMemory()) {
      MemorySegment data = memory.input(new float[] {1, 2, 3, 4, 5, 6});
      Matrix weights = new Matrix(TensorType.F32, 3, 2, data);
      Vectors y = memory.vectors(2, 3, new float[6]);
      Activations x = activations(memory, 2, 2, 0, new float[] {10, 1, -1, 0.5f});
      kernels().multiply(weights, 0, 3, x, 2, y);
      assertThat(values(y)).containsExactly(12, 34, 56, 0, -1, -2);
      kernels().multiplyAdd(weights, 1, 2, x, 1, y);
      assertThat(values(y)).containsExactly(12, 68, 56, 0, -1, -2);
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void multipliesRowsOfAnyLengthAndNumber(TensorType type) {
    columns(type)
        .forEach(
            columns -> {
              Numbers numbers = new Numbers(columns);
              for (int rows = 1; rows <= 9; rows++) {
                int from = numbers.below(rows);
                int to = numbers.between(from, rows);
                new Product(type, rows, columns, from, to, 1 + (rows + columns) % 5).check(numbers);
              }
            });
  }

  @ParameterizedTest
  @MethodSource("types")
  void multipliesAnyRangeOfRows(TensorType type) {
    int columns = type.blockSize() == 1 ? 37 : type.blockSize();
    Numbers numbers = new Numbers(5);
    for (int from = 0; from <= 9; from++) {
      for (int to = from; to <= 9; to++) {
        new Product(type, 9, columns, from, to, 1 + (from + to) % 5).check(numbers);
      }
    }
  }

  /** Prefill: tiles of tokens and what is left of them. */
  @ParameterizedTest
  @MethodSource("types")
  void multipliesAnyNumberOfTokens(TensorType type) {
    Numbers numbers = new Numbers(6);
    for (int tokens = 1; tokens <= 70; tokens++) {
      int columns = type.blockSize() == 1 ? 1 + tokens : type.blockSize();
      int rows = numbers.between(1, 3);
      int from = numbers.below(rows);
      new Product(type, rows, columns, from, rows, tokens).check(numbers);
    }
  }

  /** More rows, columns and tokens than are treated at a time. */
  @ParameterizedTest
  @MethodSource("types")
  void multipliesMoreThanFitsATile(TensorType type) {
    Numbers numbers = new Numbers(7);
    int columns = type.blockSize() == 256 ? 512 : type.blockSize() == 1 ? 300 : 288;
    new Product(type, 70, columns, 1, 68, 13).check(numbers);
    new Product(type, 2, type.blockSize() == 256 ? 2816 : 2592, 0, 2, 131).check(numbers);
  }

  /** One product to be tried, both ways and on floats and int8. */
  private final class Product {
    private final TensorType type;
    private final int rows;
    private final int columns;
    private final int from;
    private final int to;
    private final int tokens;

    Product(TensorType type, int rows, int columns, int from, int to, int tokens) {
      this.type = type;
      this.rows = rows;
      this.columns = columns;
      this.from = from;
      this.to = to;
      this.tokens = tokens;
    }

    void check(Numbers numbers) {
      float[] weights = numbers.floats(rows * columns);
      float[] inputs = numbers.floats((tokens + 1) * columns);
      float[] before = numbers.floats((tokens + 1) * rows);
      for (int block : activationBlocks(type)) {
        check(weights, inputs, before, block, false);
        check(weights, inputs, before, block, true);
      }
    }

    private void check(
        float[] weightValues, float[] inputs, float[] before, int block, boolean add) {
      try (GuardedMemory memory = new GuardedMemory()) {
        Matrix weights = matrix(memory, type, rows, columns, weightValues);
        Activations x = activations(memory, tokens + 1, columns, block, inputs);
        Vectors y = memory.vectors(tokens + 1, rows, before);
        if (add) {
          kernels().multiplyAdd(weights, from, to, x, tokens, y);
        } else {
          kernels().multiply(weights, from, to, x, tokens, y);
        }
        memory.assertIntact();
        float[] decoded = new float[rows * columns];
        type.decode(weights.data(), 0, decoded, 0, decoded.length);
        for (int t = 0; t <= tokens; t++) {
          for (int r = 0; r < rows; r++) {
            String what = "y[%d][%d] of %s × %d, block %d".formatted(t, r, this, tokens, block);
            if (t == tokens || r < from || r >= to) {
              assertThat(y.get(t, r)).as(what).isEqualTo(before[t * rows + r]);
            } else {
              ExactSum sum = new ExactSum().add(add ? before[t * rows + r] : 0);
              for (int c = 0; c < columns; c++) {
                sum.add(decoded[r * columns + c] * value(x, t, c));
              }
              sum.assertNear(y.get(t, r), PRODUCT_ERROR, what);
            }
          }
        }
      }
    }

    @Override
    public String toString() {
      return "%s %d × %d, rows %d to %d".formatted(type, rows, columns, from, to);
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void givesTheSameHoweverRowsAreShared(TensorType type) {
    int columns = type.blockSize() == 1 ? 67 : 2 * type.blockSize();
    Numbers numbers = new Numbers(3);
    try (GuardedMemory memory = new GuardedMemory()) {
      Matrix weights = matrix(memory, type, 13, columns, numbers.floats(13 * columns));
      for (int block : activationBlocks(type)) {
        Activations x = activations(memory, 3, columns, block, numbers.floats(3 * columns));
        Vectors whole = memory.vectors(3, 13, new float[39]);
        Vectors parts = memory.vectors(3, 13, new float[39]);
        assertSame(
            () -> {
              kernels().multiply(weights, 0, 13, x, 3, whole);
              return values(whole);
            },
            () -> {
              for (int from = 0; from < 13; from += 3) {
                kernels().multiply(weights, from, Math.min(from + 3, 13), x, 3, parts);
              }
              return values(parts);
            });
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void givesTheSameForManyTokensHoweverRowsAreShared(TensorType type) {
    int columns = type.blockSize() == 1 ? 67 : 2 * type.blockSize();
    int tokens = 17;
    Numbers numbers = new Numbers(4);
    try (GuardedMemory memory = new GuardedMemory()) {
      Matrix weights = matrix(memory, type, 50, columns, numbers.floats(50 * columns));
      for (int block : activationBlocks(type)) {
        Activations x =
            activations(memory, tokens, columns, block, numbers.floats(tokens * columns));
        Vectors whole = memory.vectors(tokens, 50, new float[50 * tokens]);
        Vectors parts = memory.vectors(tokens, 50, new float[50 * tokens]);
        assertSame(
            () -> {
              kernels().multiply(weights, 0, 50, x, tokens, whole);
              return values(whole);
            },
            () -> {
              for (int from = 0; from < 50; from += 7) {
                kernels().multiply(weights, from, Math.min(from + 7, 50), x, tokens, parts);
              }
              return values(parts);
            });
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void givesTheSameWhereverATokenIsAmongMany(TensorType type) {
    int columns = type.blockSize() == 1 ? 67 : 2 * type.blockSize();
    int tokens = 23;
    Numbers numbers = new Numbers(8);
    float[] inputs = new float[tokens * columns];
    float[] token = numbers.floats(columns);
    for (int t = 0; t < tokens; t++) {
      System.arraycopy(token, 0, inputs, t * columns, columns);
    }
    try (GuardedMemory memory = new GuardedMemory()) {
      Matrix weights = matrix(memory, type, 9, columns, numbers.floats(9 * columns));
      for (int block : activationBlocks(type)) {
        Activations x = activations(memory, tokens, columns, block, inputs);
        Vectors y = memory.vectors(tokens, 9, new float[9 * tokens]);
        assertSame(
            () -> {
              kernels().multiply(weights, 0, 9, x, tokens, y);
              return values(y);
            },
            () -> {
              float[] repeated = new float[9 * tokens];
              for (int t = 0; t < tokens; t++) {
                System.arraycopy(values(y), 0, repeated, 9 * t, 9);
              }
              return repeated;
            });
      }
    }
  }

  /** Products in tiles, whose sums span several of the pieces that are treated at a time. */
  @ParameterizedTest
  @MethodSource("types")
  void givesTheSameForATokenAloneAsAmongMany(TensorType type) {
    int columns = type.blockSize() == 1 ? 2571 : type.blockSize() == 32 ? 2592 : 2816;
    int rows = 37;
    int tokens = 9;
    Numbers numbers = new Numbers(9);
    float[] before = numbers.floats(rows);
    try (GuardedMemory memory = new GuardedMemory()) {
      Matrix weights = matrix(memory, type, rows, columns, numbers.floats(rows * columns));
      for (int block : activationBlocks(type)) {
        float[] inputs = numbers.floats(tokens * columns);
        Activations x = activations(memory, tokens, columns, block, inputs);
        Activations last =
            activations(
                memory,
                1,
                columns,
                block,
                Arrays.copyOfRange(inputs, inputs.length - columns, inputs.length));
        Vectors many = memory.vectors(tokens, rows, new float[tokens * rows]);
        Vectors one = memory.vectors(1, rows, new float[rows]);
        assertSame(
            () -> {
              many.write(tokens - 1, before);
              kernels().multiplyAdd(weights, 0, rows, x, tokens, many);
              float[] y = new float[rows];
              many.read(tokens - 1, y);
              return y;
            },
            () -> {
              one.write(0, before);
              kernels().multiplyAdd(weights, 0, rows, last, 1, one);
              return values(one);
            });
      }
    }
  }

  /** Two ways to the same numbers, to the last bit. */
  private static void assertSame(Supplier<float[]> one, Supplier<float[]> other) {
    assertThat(one.get()).containsExactly(other.get());
  }

  @ParameterizedTest
  @MethodSource("types")
  void refusesProductsThatDoNotFit(TensorType type) {
    int columns = 2 * type.blockSize();
    try (GuardedMemory memory = new GuardedMemory()) {
      Matrix weights = matrix(memory, type, 4, columns, new float[4 * columns]);
      Activations x = activations(memory, 2, columns, 0, new float[2 * columns]);
      Activations narrow = activations(memory, 2, columns - 1, 0, new float[2 * columns - 2]);
      Vectors y = memory.vectors(2, 4, new float[8]);
      Vectors small = memory.vectors(2, 3, new float[6]);
      assertRefuses(() -> kernels().multiply(weights, 0, 5, x, 2, y));
      assertRefuses(() -> kernels().multiply(weights, -1, 4, x, 2, y));
      assertRefuses(() -> kernels().multiply(weights, 3, 2, x, 2, y));
      assertRefuses(() -> kernels().multiply(weights, 0, 4, x, 3, y));
      assertRefuses(() -> kernels().multiply(weights, 0, 4, narrow, 2, y));
      assertRefuses(() -> kernels().multiply(weights, 0, 3, x, 2, small));
      assertRefuses(() -> kernels().multiplyAdd(weights, 0, 5, x, 2, y));
      assertRefuses(() -> kernels().multiplyAdd(weights, 0, 4, x, -1, y));
      memory.assertIntact();
      assertThat(values(y)).containsOnly(0);
    }
  }

  @Test
  void normalizesNumbersByHand() {
    try (GuardedMemory memory = new GuardedMemory()) {
      Vectors x = memory.inputVectors(1, 4, new float[] {1, 7, 3, 3});
      Vectors out = memory.vectors(1, 4, new float[4]);
      MemorySegment weight = memory.input(new float[] {1, 2, 1, -1});
      kernels().rmsNorm(x, 0, weight, 2, 0, out);
      assertThat(values(out)).containsExactly(new float[] {0.2f, 2.8f, 1, -1}, within(1e-6f));
      kernels().rmsNorm(x, 0, weight, 2, 75, out);
      assertThat(values(out))
          .containsExactly(new float[] {0.1f, 1.4f, 0.3273268f, -0.3273268f}, within(1e-6f));
    }
  }

  @Test
  void normalizesVectorsOfAnyLengthByGroups() {
    Numbers numbers = new Numbers(2);
    for (int columns = 1; columns <= 70; columns++) {
      for (int groupSize = 1; groupSize <= columns; groupSize++) {
        if (columns % groupSize == 0) {
          checkNorm(numbers, columns, groupSize);
        }
      }
    }
    checkNorm(numbers, 2560, 2560);
    checkNorm(numbers, 2560, 320);
  }

  private void checkNorm(Numbers numbers, int columns, int groupSize) {
    float[] values = numbers.floats(3 * columns);
    float[] weightValues = numbers.floats(columns);
    try (GuardedMemory memory = new GuardedMemory()) {
      MemorySegment weight = memory.input(weightValues);
      Vectors out = memory.vectors(3, columns, values.clone());
      Vectors x = memory.inputVectors(3, columns, values);
      kernels().rmsNorm(x, 1, weight, groupSize, EPSILON, out);
      Vectors inPlace = memory.vectors(3, columns, values);
      kernels().rmsNorm(inPlace, 1, weight, groupSize, EPSILON, inPlace);
      memory.assertIntact();
      assertThat(values(inPlace)).containsExactly(values(out));
      float[] vector = Arrays.copyOfRange(values, columns, 2 * columns);
      double[] expected = Equations.rmsNorm(vector, weightValues, groupSize, EPSILON);
      for (int i = 0; i < columns; i++) {
        String what = "value %d of %d in groups of %d".formatted(i, columns, groupSize);
        new ExactSum().add(expected[i]).assertNear(out.get(1, i), NORM_ERROR, what);
        assertThat(out.get(0, i)).isEqualTo(values[i]);
        assertThat(out.get(2, i)).isEqualTo(values[2 * columns + i]);
      }
    }
  }

  @Test
  void refusesNormsThatDoNotFit() {
    try (GuardedMemory memory = new GuardedMemory()) {
      Vectors x = memory.inputVectors(2, 6, new float[12]);
      Vectors out = memory.vectors(2, 6, new float[12]);
      Vectors narrow = memory.vectors(2, 5, new float[10]);
      MemorySegment weight = memory.input(new float[6]);
      MemorySegment few = memory.input(new float[5]);
      assertRefuses(() -> kernels().rmsNorm(x, 2, weight, 6, EPSILON, out));
      assertRefuses(() -> kernels().rmsNorm(x, -1, weight, 6, EPSILON, out));
      assertRefuses(() -> kernels().rmsNorm(x, 0, weight, 4, EPSILON, out));
      assertRefuses(() -> kernels().rmsNorm(x, 0, weight, 0, EPSILON, out));
      assertRefuses(() -> kernels().rmsNorm(x, 0, few, 6, EPSILON, out));
      assertRefuses(() -> kernels().rmsNorm(x, 0, weight, 6, EPSILON, narrow));
      memory.assertIntact();
    }
  }

  @Test
  void quantizesByBlocksToTheNearest() {
    float[] inputs = new Numbers(1).floats(3 * 96);
    Arrays.fill(inputs, 96, 128, 0);
    inputs[130] = 100;
    try (GuardedMemory memory = new GuardedMemory()) {
      Activations x = activations(memory, 3, 96, 32, inputs);
      memory.assertIntact();
      for (int from = 0; from < inputs.length; from += 32) {
        float max = 0;
        for (int i = from; i < from + 32; i++) {
          max = Math.max(max, Math.abs(inputs[i]));
        }
        double tolerance = (QUANT_ERROR + 127 * HALF_ERROR) * max / 127 + Double.MIN_VALUE;
        for (int i = from; i < from + 32; i++) {
          assertThat(value(x, 0, i)).isCloseTo(inputs[i], within(tolerance));
        }
      }
      assertSums(x);
    }
  }

  /** ggml's 8-bit activations: the scale has half precision, the quotient is that of the floats. */
  @Test
  void roundsTheScaleOfABlockOf32ToHalfPrecision() {
    float[] inputs = new float[32];
    inputs[0] = 1;
    inputs[1] = 0.5f;
    try (GuardedMemory memory = new GuardedMemory()) {
      Activations x = activations(memory, 1, 32, 32, inputs);
      double scale = 0x1.02p-7; // the half nearest to 1 / 127 = 0x1.0204081p-7
      assertThat(value(x, 0, 0)).isEqualTo(127 * scale);
      assertThat(value(x, 0, 1)).isEqualTo(64 * scale);
    }
  }

  private void assertSums(Activations x) {
    int count = x.values().rows() * x.columns();
    for (int from = 0; from < count; from += Activations.SUM_BLOCK) {
      int sum = 0;
      for (int i = from; i < from + Activations.SUM_BLOCK; i++) {
        sum += x.quants().get(ValueLayout.JAVA_BYTE, i);
      }
      long index = from / Activations.SUM_BLOCK;
      assertThat(x.sums().getAtIndex(ValueLayout.JAVA_INT, index)).isEqualTo(sum);
    }
  }

  @Test
  void quantizesTheSmallestAndTheLargestNumbers() {
    float[] extremes = {
      Float.MIN_VALUE, 100 * Float.MIN_VALUE, 1e-39f, 1e-37f, 2e-36f, 1e30f, 3.4e38f
    };
    for (float extreme : extremes) {
      float[] inputs = new float[32];
      inputs[7] = -extreme;
      inputs[9] = extreme / 3;
      try (GuardedMemory memory = new GuardedMemory()) {
        Activations x = activations(memory, 1, 32, 32, inputs);
        double tolerance = (QUANT_ERROR + 127 * HALF_ERROR) * extreme / 127 + 127 * SMALLEST_HALF;
        for (int i = 0; i < 32; i++) {
          assertThat(value(x, 0, i)).isCloseTo(inputs[i], within(tolerance));
          assertThat(value(x, 0, i) * inputs[i])
              .as("of the same sign")
              .isGreaterThanOrEqualTo(-0.0);
        }
        assertSums(x);
      }
    }
  }

  /** The floats, and what the oracle takes for weights of a type. */
  private static Set<Integer> activationBlocks(TensorType type) {
    return new TreeSet<>(Set.copyOf(Arrays.asList(0, new ScalarKernels().activationBlock(type))));
  }

  private static Matrix matrix(
      GuardedMemory memory, TensorType type, int rows, int columns, float[] values) {
    MemorySegment data = memory.allocate(type.byteSize((long) rows * columns));
    if (type.canEncode()) {
      type.encode(values, 0, data, 0, values.length);
    } else {
      new Numbers(Arrays.hashCode(values)).fillBlocks(type, data);
    }
    return new Matrix(type, rows, columns, memory.readOnly(data));
  }

  /** Quantized by the kernels under test. */
  private Activations activations(
      GuardedMemory memory, int rows, int columns, int block, float[] values) {
    if (block == 0) {
      Vectors vectors = memory.inputVectors(rows, columns, values);
      MemorySegment none = MemorySegment.NULL;
      return new Activations(vectors, 0, none, none, none);
    }
    Vectors vectors = memory.vectors(rows, columns, values);
    Activations x =
        new Activations(
            vectors,
            block,
            memory.allocate(values.length),
            memory.allocate(4L * values.length / block),
            memory.allocate(4L * values.length / Activations.SUM_BLOCK));
    for (int t = 0; t < rows; t++) {
      kernels().quantize(x, t);
    }
    memory.readOnly(vectors.data());
    memory.readOnly(x.quants());
    memory.readOnly(x.scales());
    memory.readOnly(x.sums());
    return x;
  }

  /** What a product takes for an input. */
  private double value(Activations x, int token, int column) {
    if (x.block() == 0) {
      return x.values().get(token, column);
    }
    long at = (long) token * x.columns() + column;
    double scale = x.scales().getAtIndex(ValueLayout.JAVA_FLOAT, at / x.block());
    return scale * x.quants().get(ValueLayout.JAVA_BYTE, at);
  }

  private static float[] values(Vectors vectors) {
    return vectors.data().toArray(ValueLayout.JAVA_FLOAT);
  }

  private static void assertRefuses(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfAny(IllegalArgumentException.class, IndexOutOfBoundsException.class);
  }
}
