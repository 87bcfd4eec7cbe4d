package dev.mamba4j.compress.gptq;

import dev.mamba4j.formats.tensor.BlockQuantizer;
import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;

/**
 * Rounds rows from the first column to the last; the error of each column is spread over those that
 * follow, as the correlation of their inputs allows. The scales of a block are chosen when its turn
 * comes, for the values that it has then; an error counts as much as feedback cannot take back.
 */
final class FeedbackRows {
  /** Rows that go through the factor together. */
  private static final int TOGETHER = 16;

  private final TensorType type;
  private final float[][] factor; // (columns, columns), see InverseFactor
  private final float[] weights; // (columns), what the error of each counts
  private final int columns;
  private final int size; // of a block

  FeedbackRows(TensorType type, float[][] factor) {
    this.type = type;
    this.factor = factor;
    columns = factor.length;
    size = type.blockSize();
    weights = new float[columns];
    for (int i = 0; i < columns; i++) {
      weights[i] = 1 / (factor[i][i] * factor[i][i]);
    }
  }

  /**
   * Encodes rows.
   *
   * @param values (rows, columns), overwritten
   */
  void encode(float[] values, int count, MemorySegment target) {
    BlockQuantizer quantizer = type.newQuantizer();
    float[][] errors = new float[TOGETHER][size];
    int rows = count / columns;
    for (int first = 0; first < rows; first += TOGETHER) {
      int end = Math.min(rows, first + TOGETHER);
      for (int block = 0; block < columns; block += size) {
        for (int row = first; row < end; row++) {
          roundBlock(quantizer, values, row * columns, block, errors[row - first]);
          quantizer.write(target, type.byteSize((long) row * columns + block));
        }
        for (int i = 0; i < size; i++) {
          for (int row = first; row < end; row++) {
            float error = errors[row - first][i];
            spread(values, row * columns, factor[block + i], error, block + size, columns);
          }
        }
      }
    }
  }

  /** Rounds a block of the row that begins at {@code row}; the feedback stays within the block. */
  private void roundBlock(
      BlockQuantizer quantizer, float[] values, int row, int block, float[] errors) {
    quantizer.fit(values, row + block, weights, block);
    for (int i = block; i < block + size; i++) {
      float value = values[row + i];
      float error = (value - quantizer.round(i - block, value)) / factor[i][i];
      errors[i - block] = error;
      spread(values, row, factor[i], error, i + 1, block + size);
    }
  }

  /** {@code values[row + from..row + to) -= error * factors[from..to)}. */
  private static void spread(
      float[] values, int row, float[] factors, float error, int from, int to) {
    for (int k = from; k < to; k++) {
      values[row + k] -= error * factors[k];
    }
  }
}
