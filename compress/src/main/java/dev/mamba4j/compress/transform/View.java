package dev.mamba4j.compress.transform;

import dev.mamba4j.compress.SourceTensor;
import java.util.Optional;

/**
 * A tensor as rows and columns that are read in another order and scaled: {@code value[r][c] =
 * source[rows[r]][columns[c]] * scale[c]}; what is null changes nothing.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record View(SourceTensor source, int width, int[] rows, int[] columns, float[] scale)
    implements SourceTensor.Values {
  /** Tensor of these values under the name of the source. */
  SourceTensor tensor() {
    return new SourceTensor(source.info(), this, Optional.empty());
  }

  @Override
  public void read(long first, float[] target, int count) {
    float[] row = new float[width];
    int done = 0;
    while (done < count) {
      long at = first + done;
      int r = (int) (at / width);
      int from = (int) (at % width);
      int part = Math.min(width - from, count - done);
      source.values().read((long) (rows == null ? r : rows[r]) * width, row, width);
      for (int i = 0; i < part; i++) {
        int c = from + i;
        float value = row[columns == null ? c : columns[c]];
        target[done + i] = scale == null ? value : value * scale[c];
      }
      done += part;
    }
  }
}
