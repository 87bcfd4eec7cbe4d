package dev.mamba4j.kernels;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A weight matrix where it lies, in a mapped file as a rule: row-major, each row whole blocks of
 * its type.
 *
 * @param type how values are stored
 * @param rows number of outputs of a product
 * @param columns number of inputs of a product, a multiple of the type's block size
 * @param data native memory of rows × columns values
 */
public record Matrix(TensorType type, int rows, int columns, MemorySegment data) {
  /** Checks that the memory holds just the values. */
  public Matrix {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException("matrix of " + rows + " × " + columns);
    }
    long expected = Math.multiplyExact(type.byteSize(columns), (long) rows);
    if (data.byteSize() != expected || !data.isNative()) {
      throw new IllegalArgumentException(
          "matrix of "
              + rows
              + " × "
              + columns
              + " "
              + type
              + " takes "
              + expected
              + " bytes of native memory, given "
              + data);
    }
  }

  /** Bytes from one row to the next. */
  public long rowBytes() {
    return type.byteSize(columns);
  }

  /** Checks that a product of rows of this matrix stays within its operands. */
  void checkProduct(int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    Objects.checkFromToIndex(fromRow, toRow, rows);
    Objects.checkFromToIndex(0, tokens, Math.min(x.values().rows(), y.rows()));
    if (x.columns() != columns || y.columns() != rows) {
      throw new IllegalArgumentException(
          "product of "
              + rows
              + " × "
              + columns
              + " with inputs of "
              + x.columns()
              + " and outputs of "
              + y.columns());
    }
  }

  /** Address of the first byte of a row. */
  long rowAddress(int row) {
    return data.address() + row * rowBytes();
  }
}
