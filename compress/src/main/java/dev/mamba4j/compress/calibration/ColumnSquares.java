package dev.mamba4j.compress.calibration;

import dev.mamba4j.engine.ProjectionObserver;
import dev.mamba4j.kernels.Vectors;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Adds up the squares of the inputs of each matrix. Those of the window that is being read are kept
 * apart until it is complete, so that one that is cut short leaves no trace.
 */
final class ColumnSquares implements ProjectionObserver {
  private final Map<String, Sum> sums = new TreeMap<>();
  private float[] row = {};

  private static final class Sum {
    private final double[] total;
    private final double[] window;
    private double count;
    private int windowCount;

    Sum(double[] total, double count) {
      this.total = total;
      this.count = count;
      window = new double[total.length];
    }

    void endWindow(boolean keep) {
      for (int i = 0; i < window.length; i++) {
        total[i] += keep ? window[i] : 0;
        window[i] = 0;
      }
      count += keep ? windowCount : 0;
      windowCount = 0;
    }
  }

  /** Goes on from what was added up before. */
  void startFrom(ImportanceMatrix matrix) {
    matrix
        .entries()
        .forEach(
            (name, columns) -> sums.put(name, new Sum(columns.sums().clone(), columns.count())));
  }

  @Override
  public void inputs(String matrix, Vectors inputs, int tokens) {
    int columns = inputs.columns();
    Sum sum = sums.computeIfAbsent(matrix, _ -> new Sum(new double[columns], 0));
    if (row.length != columns) {
      row = new float[columns];
    }
    for (int token = 0; token < tokens; token++) {
      inputs.read(token, row);
      for (int i = 0; i < columns; i++) {
        sum.window[i] += (double) row[i] * row[i];
      }
    }
    sum.windowCount += tokens;
  }

  /** Adds the window to the rest, or forgets it. */
  void endWindow(boolean keep) {
    sums.values().forEach(sum -> sum.endWindow(keep));
  }

  /** What has been added up: matrix to its sums. */
  SortedMap<String, ImportanceMatrix.Columns> columns() {
    SortedMap<String, ImportanceMatrix.Columns> columns = new TreeMap<>();
    sums.forEach(
        (name, sum) ->
            columns.put(name, new ImportanceMatrix.Columns(sum.total.clone(), sum.count)));
    return columns;
  }
}
