package dev.mamba4j.kernels;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/** The oracle: plain loops in the order of the equations, sums in double precision. */
final class ScalarKernels implements Kernels {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** Above this the logarithm in softplus is its argument, as in mamba_ssm and ggml. */
  private static final float SOFTPLUS_LINEAR = 20;

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public String description() {
    return "plain Java loops";
  }

  @Override
  public boolean supports(TensorType type) {
    return type.canDecode();
  }

  @Override
  public int activationBlock(TensorType type) {
    return type.blockSize() == 1 ? 0 : type.blockSize();
  }

  @Override
  public void rmsNorm(
      Vectors x, int token, MemorySegment weight, int groupSize, float epsilon, Vectors out) {
    x.checkNorm(token, weight, groupSize, out);
    for (int group = 0; group < x.columns(); group += groupSize) {
      double squares = 0;
      for (int i = group; i < group + groupSize; i++) {
        double value = x.get(token, i);
        squares += value * value;
      }
      double inverse = 1 / Math.sqrt(squares / groupSize + epsilon);
      for (int i = group; i < group + groupSize; i++) {
        out.set(token, i, (float) (x.get(token, i) * inverse * weight.get(FLOAT, 4L * i)));
      }
    }
  }

  @Override
  public void quantize(Activations x, int token) {
    if (!x.quantized()) {
      return;
    }
    Objects.checkIndex(token, x.values().rows());
    for (int from = 0; from < x.columns(); from += x.block()) {
      quantizeBlock(x, token, from);
    }
    for (int from = 0; from < x.columns(); from += Activations.SUM_BLOCK) {
      int sum = 0;
      for (int i = from; i < from + Activations.SUM_BLOCK; i++) {
        sum += quant(x, token, i);
      }
      long index = ((long) token * x.columns() + from) / Activations.SUM_BLOCK;
      x.sums().set(ValueLayout.JAVA_INT, 4 * index, sum);
    }
  }

  private static void quantizeBlock(Activations x, int token, int from) {
    float max = 0;
    for (int i = from; i < from + x.block(); i++) {
      max = Math.max(max, Math.abs(x.values().get(token, i)));
    }
    float scale = Activations.scale(max, x.block());
    float inverse = scale == 0 ? 0 : 127 / max;
    long first = (long) token * x.columns() + from;
    x.scales().set(FLOAT, 4 * (first / x.block()), scale);
    for (int i = 0; i < x.block(); i++) {
      byte quant = (byte) Math.rint(x.values().get(token, from + i) * inverse);
      x.quants().set(ValueLayout.JAVA_BYTE, first + i, quant);
    }
  }

  @Override
  public void multiply(
      Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    weights.checkProduct(fromRow, toRow, x, tokens, y);
    float[] row = new float[weights.columns()];
    for (int r = fromRow; r < toRow; r++) {
      decodeRow(weights, r, row);
      for (int t = 0; t < tokens; t++) {
        y.set(t, r, dot(row, x, t));
      }
    }
  }

  @Override
  public void multiplyAdd(
      Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    weights.checkProduct(fromRow, toRow, x, tokens, y);
    float[] row = new float[weights.columns()];
    for (int r = fromRow; r < toRow; r++) {
      decodeRow(weights, r, row);
      for (int t = 0; t < tokens; t++) {
        y.set(t, r, y.get(t, r) + dot(row, x, t));
      }
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
    int channels = layer.channels();
    int taps = layer.convWidth();
    for (int channel = from; channel < to; channel++) {
      for (int t = firstToken; t < firstToken + tokens; t++) {
        float input = projected.get(t, layer.inner() + channel);
        double sum = layer.convBias().get(FLOAT, 4L * channel);
        for (int tap = 0; tap < taps - 1; tap++) {
          long at = 4L * (tap * channels + channel);
          float past = state.get(FLOAT, at);
          sum += (double) past * layer.convWeight().get(FLOAT, at);
          float next = tap < taps - 2 ? state.get(FLOAT, at + 4L * channels) : input;
          state.set(FLOAT, at, next);
        }
        sum +=
            (double) input * layer.convWeight().get(FLOAT, 4L * ((taps - 1) * channels + channel));
        convolved.set(t, channel, (float) silu(sum));
      }
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
    for (int head = fromHead; head < toHead; head++) {
      for (int t = firstToken; t < firstToken + tokens; t++) {
        scanHead(layer, head, t, projected, convolved, state, y);
      }
    }
  }

  private static void scanHead(
      StateSpaceLayer layer,
      int head,
      int token,
      Vectors projected,
      Vectors convolved,
      MemorySegment state,
      Vectors y) {
    int inner = layer.inner();
    int size = layer.stateSize();
    int group = head / (layer.heads() / layer.groups());
    int b = inner + group * size;
    int c = b + layer.groups() * size;
    float dt =
        softplus(
            projected.get(token, inner + layer.channels() + head)
                + layer.dtBias().get(FLOAT, 4L * head));
    double decay = Math.exp(dt * (double) layer.a().get(FLOAT, 4L * head));
    float d = layer.d().get(FLOAT, 4L * head);
    long factor = 4 * (layer.scanStateSize() - layer.heads() + head);
    if (state.get(FLOAT, factor) != 0) {
      decay *= state.get(FLOAT, factor); // the state is used up to its factor
    }
    state.set(FLOAT, factor, 1);
    for (int channel = 0; channel < layer.headSize(); channel++) {
      int p = head * layer.headSize() + channel;
      float x = convolved.get(token, p);
      double sum = (double) d * x;
      for (int n = 0; n < size; n++) {
        long at = 4 * (((long) head * size + n) * layer.headSize() + channel);
        double old = state.get(FLOAT, at);
        float updated = (float) (decay * old + (double) dt * x * convolved.get(token, b + n));
        state.set(FLOAT, at, updated);
        sum += (double) updated * convolved.get(token, c + n);
      }
      y.set(token, p, (float) (sum * silu(projected.get(token, p))));
    }
  }

  /** log(1 + exp(x)). */
  static float softplus(float x) {
    return x > SOFTPLUS_LINEAR ? x : (float) Math.log1p(Math.exp(x));
  }

  private static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  private static void decodeRow(Matrix weights, int row, float[] target) {
    weights.type().decode(weights.data(), row * weights.rowBytes(), target, 0, target.length);
  }

  /** The product with the activations as the block says: floats, or quants times their scale. */
  private static float dot(float[] row, Activations x, int token) {
    double sum = 0;
    for (int i = 0; i < row.length; i++) {
      double value = x.quantized() ? dequantize(x, token, i) : x.values().get(token, i);
      sum += row[i] * value;
    }
    return (float) sum;
  }

  private static double dequantize(Activations x, int token, int column) {
    long block = ((long) token * x.columns() + column) / x.block();
    return (double) x.scales().get(FLOAT, 4 * block) * quant(x, token, column);
  }

  private static byte quant(Activations x, int token, int column) {
    return x.quants().get(ValueLayout.JAVA_BYTE, (long) token * x.columns() + column);
  }
}
