package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;

/** The operations in the Vector API. Types that it does not speed up it leaves to scalar loops. */
final class VectorKernels implements Kernels {
  private final ScalarKernels scalar = new ScalarKernels();

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public String description() {
    return "Vector API, " + Lanes.FLOATS.vectorBitSize() + " bits";
  }

  @Override
  public boolean supports(TensorType type) {
    return scalar.supports(type);
  }

  @Override
  public int activationBlock(TensorType type) {
    return scalar.activationBlock(type);
  }

  @Override
  public void rmsNorm(
      Vectors x, int token, MemorySegment weight, int groupSize, float epsilon, Vectors out) {
    x.checkNorm(token, weight, groupSize, out);
    long from = Lanes.address(x.rowAddress(token));
    long to = Lanes.address(out.rowAddress(token));
    long by = Lanes.address(weight.address());
    for (int group = 0; group < x.columns(); group += groupSize) {
      float squares = dot(groupSize, from + 4L * group, from + 4L * group);
      float inverse = (float) (1 / Math.sqrt(squares / groupSize + epsilon));
      int lanes = group + groupSize / Lanes.COUNT * Lanes.COUNT;
      for (int i = group; i < lanes; i += Lanes.COUNT) {
        FloatVector scaled = fromMemorySegment(FLOATS, MEMORY, from + 4L * i, ORDER).mul(inverse);
        FloatVector weights = fromMemorySegment(FLOATS, MEMORY, by + 4L * i, ORDER);
        scaled.mul(weights).intoMemorySegment(MEMORY, to + 4L * i, ORDER);
      }
      for (int i = lanes; i < group + groupSize; i++) {
        float scaled = Lanes.loadFloat(from + 4L * i) * inverse;
        Lanes.storeFloat(to + 4L * i, scaled * Lanes.loadFloat(by + 4L * i));
      }
    }
  }

  @Override
  public void quantize(Activations x, int token) {
    if (!x.quantized()) {
      return;
    }
    Objects.checkIndex(token, x.values().rows());
    long first = (long) token * x.columns();
    long scales = x.scales().address() + 4 * (first / x.block());
    for (int i = 0; i < x.columns(); i += x.block()) {
      long values = x.values().rowAddress(token) + 4L * i;
      float max = Lanes.largest(values, x.block());
      float scale = Activations.scale(max, x.block());
      Lanes.storeFloat(scales + 4L * (i / x.block()), scale);
      float inverse = scale == 0 ? 0 : 127 / max;
      Lanes.quantize(values, x.block(), inverse, x.quants().address() + first + i);
    }
    long sums = x.sums().address() + 4 * (first / Activations.SUM_BLOCK);
    for (int i = 0; i < x.columns() / Activations.SUM_BLOCK; i++) {
      Lanes.storeInt(sums + 4L * i, Lanes.sumOf16Bytes(x.quants().address() + first + 16L * i));
    }
  }

  @Override
  public void multiply(
      Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    weights.checkProduct(fromRow, toRow, x, tokens, y);
    for (int t = 0; t < tokens; t++) {
      for (int r = fromRow; r < toRow; r++) {
        Lanes.storeFloat(y.rowAddress(t) + 4L * r, 0);
      }
    }
    multiplyAdd(weights, fromRow, toRow, x, tokens, y);
  }

  @Override
  public void multiplyAdd(
      Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    weights.checkProduct(fromRow, toRow, x, tokens, y);
    if (IntegerInputs.supports(x) && UnpackedRows.supports(weights.type())) {
      IntegerProducts.add(weights, fromRow, toRow, x, tokens, y);
    } else if (!x.quantized() && VectorProducts.supports(weights.type())) {
      VectorProducts.add(weights, fromRow, toRow, x.values(), tokens, y);
    } else {
      scalar.multiplyAdd(weights, fromRow, toRow, x, tokens, y);
    }
  }

  @Override
  public void convolve(
      StateSpaceLayer layer,
      int from,
      int to,
      int firstToken,
      int tokens,
      Vectors projected,
      MemorySegment state,
      Vectors convolved) {
    layer.checkConvolution(from, to, firstToken, tokens, projected, state, convolved);
    int lanes = (to - from) / Lanes.COUNT * Lanes.COUNT;
    for (int t = firstToken; t < firstToken + tokens; t++) {
      long input = projected.rowAddress(t) + 4L * layer.inner();
      long output = convolved.rowAddress(t);
      convolveLanes(layer, from, lanes, input, state.address(), output);
      moveOn(layer, from, lanes, input, state.address());
      Lanes.silu(output + 4L * from, output + 4L * from, lanes);
    }
    if (from + lanes < to) {
      scalar.convolve(layer, from + lanes, to, firstToken, tokens, projected, state, convolved);
    }
  }

  /** Whole vectors of channels of one token, without SiLU. */
  private static void convolveLanes(
      StateSpaceLayer layer, int from, int count, long input, long state, long output) {
    int past = layer.convWidth() - 1;
    long stride = 4L * layer.channels();
    long bias = Lanes.address(layer.convBias().address());
    long weights = Lanes.address(layer.convWeight().address());
    long oldest = Lanes.address(state);
    long current = Lanes.address(input);
    long out = Lanes.address(output);
    for (int i = from; i < from + count; i += Lanes.COUNT) {
      FloatVector sum = fromMemorySegment(FLOATS, MEMORY, bias + 4L * i, ORDER);
      for (int tap = 0; tap <= past; tap++) {
        long values = tap < past ? oldest + tap * stride : current;
        FloatVector value = fromMemorySegment(FLOATS, MEMORY, values + 4L * i, ORDER);
        long weight = weights + tap * stride + 4L * i;
        sum = value.fma(fromMemorySegment(FLOATS, MEMORY, weight, ORDER), sum);
      }
      sum.intoMemorySegment(MEMORY, out + 4L * i, ORDER);
    }
  }

  /** Forgets the oldest inputs of some channels and keeps the current one. */
  private static void moveOn(StateSpaceLayer layer, int from, int count, long input, long state) {
    int past = layer.convWidth() - 1;
    long stride = 4L * layer.channels();
    for (int tap = 0; tap < past; tap++) {
      long row = state + tap * stride;
      long next = tap + 1 < past ? row + stride : input;
      MemorySegment.copy(MEMORY, next + 4L * from, MEMORY, row + 4L * from, 4L * count);
    }
  }

  @Override
  public void scan(
      StateSpaceLayer layer,
      int fromHead,
      int toHead,
      int firstToken,
      int tokens,
      Vectors projected,
      Vectors convolved,
      MemorySegment state,
      Vectors y) {
    layer.checkScan(fromHead, toHead, firstToken, tokens, projected, convolved, state, y);
    VectorScan.run(layer, fromHead, toHead, firstToken, tokens, projected, convolved, state, y);
  }

  private static float dot(int count, long x, long y) {
    long a = Lanes.address(x);
    long b = Lanes.address(y);
    FloatVector sum = FloatVector.zero(FLOATS);
    int lanes = count / Lanes.COUNT * Lanes.COUNT;
    for (int i = 0; i < lanes; i += Lanes.COUNT) {
      sum =
          fromMemorySegment(FLOATS, MEMORY, a + 4L * i, ORDER)
              .fma(fromMemorySegment(FLOATS, MEMORY, b + 4L * i, ORDER), sum);
    }
    float tail = 0;
    for (int i = lanes; i < count; i++) {
      tail += Lanes.loadFloat(a + 4L * i) * Lanes.loadFloat(b + 4L * i);
    }
    long vector = LaneSums.ofThread();
    sum.intoMemorySegment(MEMORY, vector, ORDER);
    return LaneSums.of(vector) + tail;
  }
}
