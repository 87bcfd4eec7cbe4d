package dev.mamba4j.kernels;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
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
    return 0;
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
        FloatVector scaled = Lanes.load(from + 4L * i).mul(inverse);
        Lanes.store(scaled.mul(Lanes.load(by + 4L * i)), to + 4L * i);
      }
      for (; i < group + groupSize; i++) {
        float scaled = Lanes.loadFloat(from + 4L * i) * inverse;
        Lanes.storeFloat(to + 4L * i, scaled * Lanes.loadFloat(by + 4L * i));
      }
    }
  }

  @Override
  public void quantize(Activations x, int token) {
    scalar.quantize(x, token);
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
    if (VectorProducts.supports(weights.type()) && !x.quantized()) {
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
    int channel = from;
    for (; channel + Lanes.COUNT <= to; channel += Lanes.COUNT) {
      for (int t = firstToken; t < firstToken + tokens; t++) {
        long input = projected.rowAddress(t) + 4L * (layer.inner() + channel);
        long output = convolved.rowAddress(t) + 4L * channel;
        convolveLanes(layer, channel, input, state.address() + 4L * channel, output);
      }
    }
    if (channel < to) {
      scalar.convolve(layer, channel, to, firstToken, tokens, projected, state, convolved);
    }
  }

  private static void convolveLanes(
      StateSpaceLayer layer, int channel, long input, long state, long output) {
    long stride = 4L * layer.channels();
    long weight = layer.convWeight().address() + 4L * channel;
    FloatVector current = Lanes.load(input);
    FloatVector sum = Lanes.load(layer.convBias().address() + 4L * channel);
    for (int tap = 0; tap < layer.convWidth() - 1; tap++) {
      FloatVector past = Lanes.load(state + tap * stride);
      sum = past.fma(Lanes.load(weight + tap * stride), sum);
      boolean last = tap == layer.convWidth() - 2;
      Lanes.store(last ? current : Lanes.load(state + (tap + 1) * stride), state + tap * stride);
    }
    sum = current.fma(Lanes.load(weight + (layer.convWidth() - 1) * stride), sum);
    Lanes.store(Lanes.silu(sum), output);
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
    for (int p = 0; p < layer.headSize(); p++) {
      float input = Lanes.loadFloat(x + 4L * p);
      float read = updateRow(size, rows + 4L * p * size, decay, dt * input, b, c);
      Lanes.storeFloat(out + 4L * p, read + d * input);
    }
    gate(layer.headSize(), out, projected.rowAddress(token) + 4L * first);
  }

  /** S = decay * S + input * B; gives S · C. */
  private static float updateRow(int size, long row, float decay, float input, long b, long c) {
    FloatVector sum = FloatVector.zero(Lanes.FLOATS);
    FloatVector decays = FloatVector.broadcast(Lanes.FLOATS, decay);
    FloatVector inputs = FloatVector.broadcast(Lanes.FLOATS, input);
    int n = 0;
    for (; n + Lanes.COUNT <= size; n += Lanes.COUNT) {
      FloatVector added = inputs.mul(Lanes.load(b + 4L * n));
      FloatVector updated = Lanes.load(row + 4L * n).fma(decays, added);
      Lanes.store(updated, row + 4L * n);
      sum = updated.fma(Lanes.load(c + 4L * n), sum);
    }
    float tail = 0;
    for (; n < size; n++) {
      float updated = decay * Lanes.loadFloat(row + 4L * n) + input * Lanes.loadFloat(b + 4L * n);
      Lanes.storeFloat(row + 4L * n, updated);
      tail += updated * Lanes.loadFloat(c + 4L * n);
    }
    return sum.reduceLanes(VectorOperators.ADD) + tail;
  }

  /** y = y * silu(z). */
  private static void gate(int count, long y, long z) {
    int i = 0;
    for (; i + Lanes.COUNT <= count; i += Lanes.COUNT) {
      FloatVector gate = Lanes.silu(Lanes.load(z + 4L * i));
      Lanes.store(Lanes.load(y + 4L * i).mul(gate), y + 4L * i);
    }
    for (; i < count; i++) {
      float gate = Lanes.silu(Lanes.loadFloat(z + 4L * i));
      Lanes.storeFloat(y + 4L * i, Lanes.loadFloat(y + 4L * i) * gate);
    }
  }

  private static float dot(int count, long x, long y) {
    FloatVector sum = FloatVector.zero(Lanes.FLOATS);
    int i = 0;
    for (; i + Lanes.COUNT <= count; i += Lanes.COUNT) {
      sum = Lanes.load(x + 4L * i).fma(Lanes.load(y + 4L * i), sum);
    }
    float tail = 0;
    for (; i < count; i++) {
      tail += Lanes.loadFloat(x + 4L * i) * Lanes.loadFloat(y + 4L * i);
    }
    return sum.reduceLanes(VectorOperators.ADD) + tail;
  }
}
