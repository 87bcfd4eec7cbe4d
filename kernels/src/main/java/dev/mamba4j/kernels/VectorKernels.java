package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The operations in the Vector API. Products take float activations: the API has no integer dot
 * product, and with float multiply-adds the weights still stream at the speed of memory. What it
 * does not speed up, other types and products of integers, it leaves to the scalar loops.
 */
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
    long from = x.rowAddress(token);
    long to = out.rowAddress(token);
    long by = weight.address();
    for (int group = 0; group < x.columns(); group += groupSize) {
      float squares = dot(groupSize, from + 4L * group, from + 4L * group);
      float inverse = (float) (1 / Math.sqrt(squares / groupSize + epsilon));
      int i = group;
      for (; i + Lanes.COUNT <= group + groupSize; i += Lanes.COUNT) {
        FloatVector scaled = fromMemorySegment(FLOATS, MEMORY, from + 4L * i, ORDER).mul(inverse);
        FloatVector weights = fromMemorySegment(FLOATS, MEMORY, by + 4L * i, ORDER);
        scaled.mul(weights).intoMemorySegment(MEMORY, to + 4L * i, ORDER);
      }
      for (; i < group + groupSize; i++) {
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
    long row = x.values().rowAddress(token);
    for (int from = 0; from < x.columns(); from += x.block()) {
      float max = Lanes.largest(row + 4L * from, x.block());
      float scale = Activations.scale(max, x.block());
      Lanes.round(row + 4L * from, x.block(), scale, scale == 0 ? 0 : 127 / max);
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
    if (VectorProducts.supports(weights.type())) {
      VectorProducts.add(weights, fromRow, toRow, x.values(), tokens, y);
    } else {
      // The floats are what quantize has rounded.
      scalar.multiplyAdd(weights, fromRow, toRow, x.withBlock(0), tokens, y);
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
      for (int channel = from; channel < from + lanes; channel += Lanes.COUNT) {
        convolveLanes(layer, 4L * channel, input, state.address(), output);
      }
      Lanes.silu(output + 4L * from, output + 4L * from, lanes);
    }
    if (from + lanes < to) {
      scalar.convolve(layer, from + lanes, to, firstToken, tokens, projected, state, convolved);
    }
  }

  /** As many channels as there are lanes, {@code at} bytes behind the first, without SiLU. */
  private static void convolveLanes(
      StateSpaceLayer layer, long at, long input, long state, long output) {
    long stride = 4L * layer.channels();
    long weight = layer.convWeight().address() + at;
    long past = state + at;
    FloatVector sum = fromMemorySegment(FLOATS, MEMORY, layer.convBias().address() + at, ORDER);
    for (int tap = 0; tap < layer.convWidth() - 1; tap++) {
      FloatVector value = fromMemorySegment(FLOATS, MEMORY, past, ORDER);
      sum = value.fma(fromMemorySegment(FLOATS, MEMORY, weight, ORDER), sum);
      if (tap > 0) {
        value.intoMemorySegment(MEMORY, past - stride, ORDER);
      }
      past += stride;
      weight += stride;
    }
    FloatVector current = fromMemorySegment(FLOATS, MEMORY, input + at, ORDER);
    if (layer.convWidth() > 1) {
      current.intoMemorySegment(MEMORY, past - stride, ORDER);
    }
    sum = current.fma(fromMemorySegment(FLOATS, MEMORY, weight, ORDER), sum);
    sum.intoMemorySegment(MEMORY, output + at, ORDER);
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
    for (int head = fromHead; head < toHead; head++) {
      for (int t = firstToken; t < firstToken + tokens; t++) {
        scanHead(layer, head, t, projected, convolved, state.address(), y);
      }
    }
  }

  private static void scanHead(
      StateSpaceLayer layer,
      int head,
      int token,
      Vectors projected,
      Vectors convolved,
      long state,
      Vectors y) {
    int size = layer.stateSize();
    int group = head / (layer.heads() / layer.groups());
    long b = convolved.rowAddress(token) + 4L * (layer.inner() + group * size);
    long c = b + 4L * layer.groups() * size;
    float dt =
        ScalarKernels.softplus(
            projected.get(token, layer.inner() + layer.channels() + head)
                + Lanes.loadFloat(layer.dtBias().address() + 4L * head));
    float decay = (float) Math.exp(dt * (double) Lanes.loadFloat(layer.a().address() + 4L * head));
    float d = Lanes.loadFloat(layer.d().address() + 4L * head);
    int first = head * layer.headSize();
    long x = convolved.rowAddress(token) + 4L * first;
    long out = y.rowAddress(token) + 4L * first;
    long rows = state + 4L * first * size;
    Lanes.silu(projected.rowAddress(token) + 4L * first, out, layer.headSize());
    for (int p = 0; p < layer.headSize(); p++) {
      float input = Lanes.loadFloat(x + 4L * p);
      float read = updateRow(size, rows + 4L * p * size, decay, dt * input, b, c);
      Lanes.storeFloat(out + 4L * p, Lanes.loadFloat(out + 4L * p) * (read + d * input));
    }
  }

  /** S = decay * S + input * B; gives S · C. */
  private static float updateRow(int size, long row, float decay, float input, long b, long c) {
    FloatVector sum = FloatVector.zero(FLOATS);
    FloatVector decays = FloatVector.broadcast(FLOATS, decay);
    FloatVector inputs = FloatVector.broadcast(FLOATS, input);
    int n = 0;
    for (; n + Lanes.COUNT <= size; n += Lanes.COUNT) {
      FloatVector added = inputs.mul(fromMemorySegment(FLOATS, MEMORY, b + 4L * n, ORDER));
      FloatVector updated =
          fromMemorySegment(FLOATS, MEMORY, row + 4L * n, ORDER).fma(decays, added);
      updated.intoMemorySegment(MEMORY, row + 4L * n, ORDER);
      sum = updated.fma(fromMemorySegment(FLOATS, MEMORY, c + 4L * n, ORDER), sum);
    }
    float tail = 0;
    for (; n < size; n++) {
      float updated = decay * Lanes.loadFloat(row + 4L * n) + input * Lanes.loadFloat(b + 4L * n);
      Lanes.storeFloat(row + 4L * n, updated);
      tail += updated * Lanes.loadFloat(c + 4L * n);
    }
    return sum.reduceLanes(VectorOperators.ADD) + tail;
  }

  private static float dot(int count, long x, long y) {
    FloatVector sum = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + Lanes.COUNT <= count; i += Lanes.COUNT) {
      sum =
          fromMemorySegment(FLOATS, MEMORY, x + 4L * i, ORDER)
              .fma(fromMemorySegment(FLOATS, MEMORY, y + 4L * i, ORDER), sum);
    }
    float tail = 0;
    for (; i < count; i++) {
      tail += Lanes.loadFloat(x + 4L * i) * Lanes.loadFloat(y + 4L * i);
    }
    return sum.reduceLanes(VectorOperators.ADD) + tail;
  }
}
