package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.IntegerInputs.SPLIT;
import static dev.mamba4j.kernels.IntegerInputs.UNIT;
import static dev.mamba4j.kernels.IntegerInputs.widen;
import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static dev.mamba4j.kernels.Lanes.SHORT;
import static dev.mamba4j.kernels.Lanes.SHORTS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * Products of quantized rows with quantized vectors, added to what is there.
 *
 * <p>The Vector API has no dot product of bytes. Two products of bytes fit a short, so shifts take
 * shorts apart, even bytes are multiplied with even ones, odd with odd ones, and both are added;
 * shifts again make an int of two shorts. This takes 15 instructions for 32 weights; widening bytes
 * to floats takes more, and slower ones.
 *
 * <p>One row is read after the other: memory then comes as one long stream, which the processor
 * fetches ahead. Of four rows side by side it fetches half as much in a second.
 *
 * <p>Whether one token is multiplied or two, a lane takes one multiply-add after another of the
 * exact whole number of its columns of a unit; so prefill gives what steps give.
 *
 * <p>Methods with loops have more than 325 bytecodes, as those of {@link VectorProducts} have.
 */
final class IntegerProducts {
  /**
   * More than there are blocks. A loop that masks its counter does not count for C2, which would
   * unroll it until its vectors do not fit the registers.
   */
  private static final int MANY = 0xffffff;

  private static final int TOKENS = 2;

  private static final int PANEL_ROWS = UnpackedRows.ROWS;
  private static final int PANEL_TOKENS = 128;

  /** The scales of the two groups of a unit, each to its half of the lanes. */
  private static final VectorShuffle<Float> HALVES =
      VectorShuffle.fromOp(FLOATS, lane -> lane / (COUNT / 2));

  private static final long SUMS = PANEL_ROWS * PANEL_TOKENS * LaneSums.STRIDE;

  /** Bytes of the sums of a row and some tokens. */
  private static final long TILE = TOKENS * LaneSums.STRIDE;

  private static final long CACHE_LINE = 64;

  private static final ThreadLocal<IntegerProducts> OF_THREAD =
      ThreadLocal.withInitial(IntegerProducts::new);

  private final MemorySegment memory = Arena.ofAuto().allocate(SUMS, CACHE_LINE);

  private IntegerProducts() {}

  /** y[t][r] += Σ_c weights[r][c] * x[t][c]. */
  static void add(Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    IntegerProducts products = OF_THREAD.get();
    for (int t = 0; t < tokens; t += PANEL_TOKENS) {
      int count = Math.min(PANEL_TOKENS, tokens - t);
      IntegerInputs inputs = IntegerInputs.of(x, t, count);
      if (count == 1 && weights.type() == TensorType.Q8_0) {
        products.addQ8_0(weights, fromRow, toRow, inputs, y.rowAddress(t));
      } else if (count == 1) {
        products.addOne(weights, fromRow, toRow, inputs, y.rowAddress(t));
      } else {
        for (int row = fromRow; row < toRow; row += PANEL_ROWS) {
          products.addPanel(weights, row, Math.min(PANEL_ROWS, toRow - row), inputs, count, t, y);
        }
      }
    }
  }

  /** The vector of sums of a row and a token. */
  private long sums(int row, int token) {
    return memory.address()
        + (token / TOKENS * PANEL_ROWS + row) * TILE
        + token % TOKENS * LaneSums.STRIDE;
  }

  private void addOne(Matrix weights, int fromRow, int toRow, IntegerInputs x, long y) {
    TensorType type = weights.type();
    UnpackedRows unpacked = UnpackedRows.ofThread();
    long sum = sums(0, 0);
    for (int row = fromRow; row < toRow; row++) {
      LaneSums.clear(sum, LaneSums.STRIDE);
      for (int from = 0; from < weights.columns(); from += UnpackedRows.COLUMNS) {
        int columns = Math.min(UnpackedRows.COLUMNS, weights.columns() - from);
        unpacked.unpack(type, weights.rowAddress(row) + type.byteSize(from), columns, 0);
        if (UnpackedRows.hasMinimums(type)) {
          int groups = columns / UnpackedRows.GROUP;
          LaneSums.addProducts(unpacked.minimums(0), x.sums(0) + from / 4, groups, sum);
        }
        long values = x.quants(0) + 2L * from;
        long scales = x.scales(0) + from / 8;
        addRow(columns / 32, unpacked.quants(0), unpacked.scales(0), values, scales, sum);
      }
      store(sum, y + 4L * row);
    }
  }

  private void addQ8_0(Matrix weights, int fromRow, int toRow, IntegerInputs x, long y) {
    int blocks = weights.columns() / 32;
    long first = weights.rowAddress(0);
    long stride = weights.rowBytes();
    long quants = x.quants(0);
    long scales = x.scales(0);
    long sum = sums(0, 0);
    for (int row = fromRow; row < toRow; row++) {
      addRowQ8_0(blocks, first + row * stride, quants, scales, sum);
      store(sum, y + 4L * row);
    }
  }

  private static void store(long sum, long y) {
    Lanes.storeFloat(y, Lanes.loadFloat(y) + LaneSums.of(sum));
  }

  private void addPanel(
      Matrix weights, int firstRow, int rows, IntegerInputs x, int tokens, int to, Vectors y) {
    TensorType type = weights.type();
    UnpackedRows unpacked = UnpackedRows.ofThread();
    LaneSums.clear(memory.address(), (long) Math.ceilDiv(tokens, TOKENS) * PANEL_ROWS * TILE);
    for (int from = 0; from < weights.columns(); from += UnpackedRows.COLUMNS) {
      int columns = Math.min(UnpackedRows.COLUMNS, weights.columns() - from);
      for (int r = 0; r < rows; r++) {
        unpacked.unpack(type, weights.rowAddress(firstRow + r) + type.byteSize(from), columns, r);
      }
      for (int t = 0; t < tokens; t += TOKENS) {
        addTiles(type, unpacked, rows, columns, x, t, Math.min(TOKENS, tokens - t), from);
      }
    }
    for (int t = 0; t < tokens; t++) {
      for (int r = 0; r < rows; r++) {
        store(sums(r, t), y.rowAddress(to + t) + 4L * (firstRow + r));
      }
    }
  }

  /** All rows with some tokens; where there are fewer than TOKENS, the last one repeats. */
  private void addTiles(
      TensorType type,
      UnpackedRows unpacked,
      int rows,
      int columns,
      IntegerInputs x,
      int first,
      int tokens,
      int from) {
    int last = first + tokens - 1;
    long x0 = x.quants(first) + 2L * from;
    long x1 = x.quants(last) + 2L * from;
    long d0 = x.scales(first) + from / 8;
    long d1 = x.scales(last) + from / 8;
    for (int r = 0; r < rows; r++) {
      if (UnpackedRows.hasMinimums(type)) {
        int groups = columns / UnpackedRows.GROUP;
        for (int t = first; t <= last; t++) {
          LaneSums.addProducts(unpacked.minimums(r), x.sums(t) + from / 4, groups, sums(r, t));
        }
      }
      long quants = unpacked.quants(r);
      addRowToTwo(columns / 32, quants, unpacked.scales(r), x0, x1, d0, d1, sums(r, first));
    }
  }

  private static void addRowQ8_0(int blocks, long row, long x, long scales, long out) {
    long start = Lanes.address(row);
    long in = Lanes.address(x);
    long factors = Lanes.address(scales);
    FloatVector s = FloatVector.zero(FLOATS);
    for (int i = 0; i < blocks; i = (i + 1) & MANY) {
      long block = start + 34L * i;
      float d = Float.float16ToFloat(MEMORY.get(SHORT, block)) * Lanes.loadFloat(factors + 4L * i);
      FloatVector scale = broadcast(FLOATS, d);
      for (int c = 0; c < 32; c += UNIT) {
        long at = block + 2 + c;
        long v = in + 64L * i + 2L * c;
        ShortVector products;
        if (SPLIT) {
          ShortVector pairs = ShortVector.fromMemorySegment(SHORTS, MEMORY, at, ORDER);
          ShortVector first = ShortVector.fromMemorySegment(SHORTS, MEMORY, v, ORDER);
          ShortVector second = ShortVector.fromMemorySegment(SHORTS, MEMORY, v + UNIT, ORDER);
          ShortVector even = pairs.lanewise(LSHL, 8).lanewise(ASHR, 8);
          products = even.mul(first).add(pairs.lanewise(ASHR, 8).mul(second));
        } else {
          products = widen(at).mul(ShortVector.fromMemorySegment(SHORTS, MEMORY, v, ORDER));
        }
        IntVector two = products.reinterpretAsInts();
        IntVector sum = two.lanewise(LSHL, 16).lanewise(ASHR, 16).add(two.lanewise(ASHR, 16));
        s = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(scale, s);
      }
    }
    s.intoMemorySegment(MEMORY, Lanes.address(out), ORDER);
  }

  /** Products of whole numbers, two columns in each of the two vectors to a lane. */
  private static FloatVector product(ShortVector even, ShortVector odd, long x) {
    ShortVector first = ShortVector.fromMemorySegment(SHORTS, MEMORY, x, ORDER);
    ShortVector second = ShortVector.fromMemorySegment(SHORTS, MEMORY, x + UNIT, ORDER);
    return addPairs(even.mul(first).add(odd.mul(second)));
  }

  /** As before where one vector has all columns. */
  private static FloatVector product(ShortVector all, long x) {
    return addPairs(all.mul(ShortVector.fromMemorySegment(SHORTS, MEMORY, x, ORDER)));
  }

  private static FloatVector addPairs(ShortVector shorts) {
    IntVector two = shorts.reinterpretAsInts();
    IntVector sum = two.lanewise(LSHL, 16).lanewise(ASHR, 16).add(two.lanewise(ASHR, 16));
    return (FloatVector) sum.convertShape(I2F, FLOATS, 0);
  }

  private static void addRow(
      int blocks, long quants, long scales, long x, long xScales, long sums) {
    long q = Lanes.address(quants);
    long d = Lanes.address(scales);
    long in = Lanes.address(x);
    long factors = Lanes.address(xScales);
    long out = Lanes.address(sums);
    FloatVector s = FloatVector.fromMemorySegment(FLOATS, MEMORY, out, ORDER);
    for (int i = 0; i < blocks; i = (i + 1) & MANY) {
      FloatVector factor = broadcast(FLOATS, Lanes.loadFloat(factors + 4L * i));
      for (int c = 0; c < 32; c += UNIT) {
        long at = q + 32L * i + c;
        long v = in + 64L * i + 2L * c;
        FloatVector scale = scales(d + 8L * i + c / 4).mul(factor);
        ShortVector products;
        if (SPLIT) {
          ShortVector pairs = ShortVector.fromMemorySegment(SHORTS, MEMORY, at, ORDER);
          ShortVector first = ShortVector.fromMemorySegment(SHORTS, MEMORY, v, ORDER);
          ShortVector second = ShortVector.fromMemorySegment(SHORTS, MEMORY, v + UNIT, ORDER);
          ShortVector even = pairs.lanewise(LSHL, 8).lanewise(ASHR, 8);
          products = even.mul(first).add(pairs.lanewise(ASHR, 8).mul(second));
        } else {
          products = widen(at).mul(ShortVector.fromMemorySegment(SHORTS, MEMORY, v, ORDER));
        }
        IntVector two = products.reinterpretAsInts();
        IntVector sum = two.lanewise(LSHL, 16).lanewise(ASHR, 16).add(two.lanewise(ASHR, 16));
        s = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(scale, s);
      }
    }
    s.intoMemorySegment(MEMORY, out, ORDER);
  }

  private static void addRowToTwo(
      int blocks, long quants, long scales, long x0, long x1, long d0, long d1, long sums) {
    long q = Lanes.address(quants);
    long d = Lanes.address(scales);
    long in0 = Lanes.address(x0);
    long in1 = Lanes.address(x1);
    long factors0 = Lanes.address(d0);
    long factors1 = Lanes.address(d1);
    long out = Lanes.address(sums);
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, MEMORY, out, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, MEMORY, out + LaneSums.STRIDE, ORDER);
    for (int i = 0; i < blocks; i = (i + 1) & MANY) {
      FloatVector factor0 = broadcast(FLOATS, Lanes.loadFloat(factors0 + 4L * i));
      FloatVector factor1 = broadcast(FLOATS, Lanes.loadFloat(factors1 + 4L * i));
      for (int c = 0; c < 32; c += UNIT) {
        long at = q + 32L * i + c;
        long v = 64L * i + 2L * c;
        FloatVector scale = scales(d + 8L * i + c / 4);
        if (SPLIT) {
          ShortVector pairs = ShortVector.fromMemorySegment(SHORTS, MEMORY, at, ORDER);
          ShortVector even = pairs.lanewise(LSHL, 8).lanewise(ASHR, 8);
          ShortVector odd = pairs.lanewise(ASHR, 8);
          s0 = product(even, odd, in0 + v).fma(scale.mul(factor0), s0);
          s1 = product(even, odd, in1 + v).fma(scale.mul(factor1), s1);
        } else {
          ShortVector all = widen(at);
          s0 = product(all, in0 + v).fma(scale.mul(factor0), s0);
          s1 = product(all, in1 + v).fma(scale.mul(factor1), s1);
        }
      }
    }
    s0.intoMemorySegment(MEMORY, out, ORDER);
    s1.intoMemorySegment(MEMORY, out + LaneSums.STRIDE, ORDER);
  }

  /** The scales of a unit, which is one group of columns or two. */
  private static FloatVector scales(long address) {
    if (COUNT == 4) {
      return broadcast(FLOATS, Lanes.loadFloat(address));
    }
    return LongVector.broadcast(Lanes.LONGS, Lanes.loadLong(address))
        .reinterpretAsFloats()
        .rearrange(HALVES);
  }
}
