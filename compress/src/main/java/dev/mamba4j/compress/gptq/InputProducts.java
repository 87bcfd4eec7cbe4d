package dev.mamba4j.compress.gptq;

import dev.mamba4j.compress.ScratchFile;
import dev.mamba4j.engine.ProjectionObserver;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.kernels.Vectors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Adds up the products of the inputs of matrices, {@code H = Xᵀ X}: half the second derivative of
 * the squared error of their outputs. They lie in a scratch file, four bytes for each pair of
 * columns.
 */
final class InputProducts implements ProjectionObserver {
  private final ScratchFile scratch;
  private final Map<String, Sum> sums = new TreeMap<>();
  private final Set<String> factored = new HashSet<>();
  private double added; // products
  private double seconds; // that adding them took

  /**
   * @param rows (columns, columns), the lower triangle
   */
  private record Sum(int columns, MemorySegment rows) {
    void read(int row, int count, float[] target) {
      MemorySegment.copy(
          rows, ValueLayout.JAVA_FLOAT, 4L * row * columns, target, 0, Math.min(count, columns));
    }

    void write(int row, int count, float[] source) {
      MemorySegment.copy(source, 0, rows, ValueLayout.JAVA_FLOAT, 4L * row * columns, count);
    }

    /** Adds the products of inputs (tokens, columns). */
    void add(float[][] inputs) {
      Multiples.inGroups(columns, (first, count) -> add(inputs, first, count));
    }

    private void add(float[][] inputs, int first, int count) {
      float[][] group = new float[count][first + count];
      float[][] factors = new float[count][inputs.length];
      for (int i = 0; i < count; i++) {
        read(first + i, first + i + 1, group[i]);
        for (int token = 0; token < inputs.length; token++) {
          factors[i][token] = -inputs[token][first + i];
        }
      }
      Multiples.subtract(group, factors, inputs, 0, 0, first + count);
      for (int i = 0; i < count; i++) {
        write(first + i, first + i + 1, group[i]);
      }
    }
  }

  InputProducts(ScratchFile scratch) {
    this.scratch = scratch;
  }

  @Override
  public void inputs(String matrix, Vectors inputs, int tokens) {
    int columns = inputs.columns();
    float[][] x = new float[tokens][columns];
    for (int token = 0; token < tokens; token++) {
      inputs.read(token, x[token]);
    }
    long start = System.nanoTime();
    sum(matrix, columns).add(x);
    seconds += (System.nanoTime() - start) / 1e9;
    added += (double) tokens * columns * (columns + 1) / 2;
  }

  private Sum sum(String matrix, int columns) {
    return sums.computeIfAbsent(matrix, _ -> new Sum(columns, allocate(columns)));
  }

  private MemorySegment allocate(int columns) {
    try {
      return scratch.allocate(4L * columns * columns);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How many products were added up in a second; 0 if none was. */
  double perSecond() {
    return seconds > 0 ? added / seconds : 0;
  }

  /** Takes over a speed of an earlier start. */
  void startSpeed(double perSecond) {
    seconds = perSecond > 0 ? 1 : 0;
    added = perSecond;
  }

  /** The names of the matrices that were seen, in their order. */
  List<String> matrices() {
    return List.copyOf(sums.keySet());
  }

  /** How many numbers the lower triangle of a matrix has. */
  long triangle(String matrix) {
    long columns = sums.get(matrix).columns();
    return columns * (columns + 1) / 2;
  }

  /** The bytes of all lower triangles. */
  long triangleBytes() {
    return sums.keySet().stream().mapToLong(matrix -> 4 * triangle(matrix)).sum();
  }

  /** Takes a row of a lower triangle. */
  @FunctionalInterface
  interface RowConsumer {
    void accept(MemorySegment row) throws IOException;
  }

  /** Gives the rows of a lower triangle, of one number, two and so on. */
  void forEachRow(String matrix, RowConsumer target) throws IOException {
    Sum sum = sums.get(matrix);
    for (long i = 0; i < sum.columns(); i++) {
      target.accept(sum.rows().asSlice(4 * i * sum.columns(), 4 * (i + 1)));
    }
  }

  /** Goes on from the lower triangle of a matrix, row after row. */
  void startFrom(String matrix, MemorySegment triangle) {
    long numbers = triangle.byteSize() / 4;
    int columns = (int) ((Math.sqrt(8.0 * numbers + 1) - 1) / 2);
    Sum sum = sum(matrix, columns);
    long from = 0;
    for (long i = 0; i < columns; i++) {
      MemorySegment.copy(triangle, from, sum.rows(), 4 * i * columns, 4 * (i + 1));
      from += 4 * (i + 1);
    }
  }

  /** Whether an input of a matrix was seen. */
  boolean has(String matrix) {
    return sums.containsKey(matrix);
  }

  /**
   * {@link InverseFactor} of H of a matrix that was seen; it takes the place of H, which gets no
   * more inputs then.
   *
   * @throws FormatException if an input was not a finite number
   */
  synchronized float[][] inverseFactor(String matrix, double damping) throws FormatException {
    Sum sum = sums.get(matrix);
    int columns = sum.columns();
    float[][] h = new float[columns][columns];
    boolean done = factored.contains(matrix);
    for (int i = 0; i < columns; i++) {
      sum.read(i, done ? columns : i + 1, h[i]);
    }
    if (!done) {
      fill(matrix, h);
      InverseFactor.of(h, damping);
      for (int i = 0; i < columns; i++) {
        sum.write(i, columns, h[i]);
      }
      factored.add(matrix);
    }
    return h;
  }

  /** The upper triangle from the lower. */
  private static void fill(String matrix, float[][] h) throws FormatException {
    for (int i = 0; i < h.length; i++) {
      if (!Float.isFinite(h[i][i])) {
        throw new FormatException(
            "tensor %s: input %d is not a finite number on this text; calibrate with another"
                .formatted(matrix, i));
      }
      for (int j = 0; j < i; j++) {
        h[j][i] = h[i][j];
      }
    }
  }
}
