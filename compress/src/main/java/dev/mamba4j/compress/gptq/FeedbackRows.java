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
   * @param values (rows, columns)
   */
  void encode(float[] values, int count, MemorySegment target) {
    BlockQuantizer quantizer = type.newQuantizer();
    int rows = count / columns;
    for (int first = 0; first < rows; first += Multiples.GROUP) {
      float[][] group = new float[Math.min(Multiples.GROUP, rows - first)][columns];
      float[][] errors = new float[group.length][size];
      for (int i = 0; i < group.length; i++) {
        System.arraycopy(values, (first + i) * columns, group[i], 0, columns);
      }
      for (int block = 0; block < columns; block += size) {
        for (int i = 0; i < group.length; i++) {
          roundBlock(quantizer, group[i], block, errors[i]);
          quantizer.write(target, type.byteSize((long) (first + i) * columns + block));
        }
        Multiples.subtract(group, errors, factor, block, block + size, columns);
      }
    }
  }

  /** Rounds a block of a row; the feedback stays within the block. */
  private void roundBlock(BlockQuantizer quantizer, float[] row, int block, float[] errors) {
    quantizer.fit(row, block, weights, block);
    for (int i = block; i < block + size; i++) {
      float error = (row[i] - quantizer.round(i - block, row[i])) / factor[i][i];
      errors[i - block] = error;
      Multiples.subtract(row, error, factor[i], i + 1, block + size);
    }
  }
}
