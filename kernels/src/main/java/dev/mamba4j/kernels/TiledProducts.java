package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.FloatTiles.ROWS;
import static dev.mamba4j.kernels.FloatTiles.TOKENS;
import static dev.mamba4j.kernels.Lanes.COUNT;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Products with several tokens: a panel of rows becomes floats once for all of them, some columns
 * at a time, and tiles of it are multiplied from the caches. Every sum is added up in the order
 * that a token alone has.
 *
 * <p>Of a panel and its tokens the caches hold: a tile of tokens, which the rows pass by (first
 * cache), and the rows (second cache). The sums, vectors still, are read and written once for each
 * part of the columns.
 */
final class TiledProducts {
  private static final int PANEL_ROWS = 64;
  private static final int PANEL_TOKENS = 128;

  /** Columns of a panel, whole blocks of all types. */
  private static final int COLUMNS = 512;

  private static final long PANEL = 4L * PANEL_ROWS * COLUMNS;
  private static final long SUMS = sums(PANEL_ROWS, PANEL_TOKENS);
  private static final long CACHE_LINE = 64;

  private static final ThreadLocal<TiledProducts> OF_THREAD =
      ThreadLocal.withInitial(TiledProducts::new);

  private final MemorySegment memory = Arena.ofAuto().allocate(PANEL + SUMS, CACHE_LINE);
  private final long panel = memory.address();
  private final long sums = panel + PANEL;

  private TiledProducts() {}

  /** y[t][r] += Σ_c weights[r][c] * x[t][c]. */
  static void add(Matrix weights, int fromRow, int toRow, Vectors x, int tokens, Vectors y) {
    TiledProducts products = OF_THREAD.get();
    for (int t = 0; t < tokens; t += PANEL_TOKENS) {
      for (int row = fromRow; row < toRow; row += PANEL_ROWS) {
        int rows = Math.min(PANEL_ROWS, toRow - row);
        products.add(weights, row, rows, x, t, Math.min(PANEL_TOKENS, tokens - t), y);
      }
    }
  }

  private void add(
      Matrix weights, int firstRow, int rows, Vectors x, int firstToken, int tokens, Vectors y) {
    int columns = weights.columns() / COUNT * COUNT;
    LaneSums.clear(sums, sums(rows, tokens));
    for (int from = 0; from < columns; from += COLUMNS) {
      int count = Math.min(COLUMNS, columns - from);
      unpack(weights, firstRow, rows, from, count);
      for (int t = 0; t < tokens; t += TOKENS) {
        addTiles(rows, from, count, x, firstToken, t, tokens);
      }
    }
    for (int t = 0; t < tokens; t++) {
      store(rows, t, y.rowAddress(firstToken + t) + 4L * firstRow);
    }
    if (columns < weights.columns()) {
      addRest(weights, firstRow, rows, columns, x, firstToken, tokens, y);
    }
  }

  private void unpack(Matrix weights, int firstRow, int rows, int from, int count) {
    TensorType type = weights.type();
    long first = weights.rowAddress(firstRow) + type.byteSize(from);
    for (int r = 0; r < rows; r++) {
      FloatRows.unpack(type, first + r * weights.rowBytes(), count, panel + 4L * r * COLUMNS);
    }
  }

  /** All rows with a tile of tokens; where no more are left, the last token repeats. */
  private void addTiles(
      int rows, int from, int count, Vectors x, int firstToken, int token, int tokens) {
    long x0 = x.rowAddress(firstToken + token) + 4L * from;
    long x1 = x.rowAddress(firstToken + Math.min(token + 1, tokens - 1)) + 4L * from;
    long x2 = x.rowAddress(firstToken + Math.min(token + 2, tokens - 1)) + 4L * from;
    long x3 = x.rowAddress(firstToken + Math.min(token + 3, tokens - 1)) + 4L * from;
    long tile = sums + sums(rows, token);
    for (int r = 0; r < rows; r += ROWS) {
      long first = panel + 4L * r * COLUMNS;
      FloatTiles.add(count, first, 4L * COLUMNS, x0, x1, x2, x3, tile);
      tile += FloatTiles.SUMS;
    }
  }

  /** Bytes of the sums of all tiles of so many rows and tokens. */
  private static long sums(int rows, int tokens) {
    return (long) Math.ceilDiv(rows, ROWS) * Math.ceilDiv(tokens, TOKENS) * FloatTiles.SUMS;
  }

  private void store(int rows, int token, long y) {
    long first = sums + sums(rows, token / TOKENS * TOKENS);
    long vector = first + token % TOKENS * (ROWS * LaneSums.STRIDE);
    for (int r = 0; r < rows; r++) {
      long tile = r / ROWS * FloatTiles.SUMS;
      float sum = LaneSums.of(vector + tile + r % ROWS * LaneSums.STRIDE);
      Lanes.storeFloat(y + 4L * r, Lanes.loadFloat(y + 4L * r) + sum);
    }
  }

  /** The columns behind whole vectors. */
  private static void addRest(
      Matrix weights,
      int firstRow,
      int rows,
      int from,
      Vectors x,
      int firstToken,
      int tokens,
      Vectors y) {
    for (int t = firstToken; t < firstToken + tokens; t++) {
      for (int r = firstRow; r < firstRow + rows; r++) {
        float rest = VectorProducts.rest(weights, r, from, x.rowAddress(t));
        long at = y.rowAddress(t) + 4L * r;
        Lanes.storeFloat(at, Lanes.loadFloat(at) + rest);
      }
    }
  }
}
