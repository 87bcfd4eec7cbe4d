package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;
import java.util.Arrays;
import java.util.List;

/** Sizes and strides as files give them. */
final class Shapes {
  /** PyTorch's own limit. */
  private static final int MAX_RANK = 64;

  private Shapes() {}

  /** Whole numbers, none negative, at most 64. */
  static long[] of(List<?> values, String where) throws FormatException {
    if (values.size() > MAX_RANK) {
      throw new FormatException(
          where + ": expected at most " + MAX_RANK + " numbers, found " + values.size());
    }
    long[] sizes = new long[values.size()];
    for (int i = 0; i < sizes.length; i++) {
      if (!(values.get(i) instanceof Long size) || size < 0) {
        throw new FormatException(
            where + ": expected whole numbers from 0 on, found another value at place " + i);
      }
      sizes[i] = size;
    }
    return sizes;
  }

  /**
   * Number of values of a shape.
   *
   * @throws ArithmeticException if it does not fit a long
   */
  static long elements(long[] shape) {
    if (Arrays.stream(shape).anyMatch(size -> size == 0)) {
      return 0; // even if the product of the others overflows
    }
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** Strides of values that lie one after the other. */
  static long[] rowMajor(long[] shape) {
    long[] strides = new long[shape.length];
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= Math.max(1, shape[i]);
    }
    return strides;
  }

  /** Whether values with these strides lie one after the other, in row-major order. */
  static boolean isRowMajor(long[] shape, long[] strides) {
    long[] packed = rowMajor(shape);
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] > 1 && strides[i] != packed[i]) { // no step is ever taken along a single value
        return elements(shape) == 0;
      }
    }
    return true;
  }

  static String text(long[] shape) {
    return Arrays.toString(shape);
  }
}
