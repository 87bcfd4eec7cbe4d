package dev.mamba4j.evaluate;

import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Activations;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Matrix;
import dev.mamba4j.kernels.StateSpaceLayer;
import dev.mamba4j.kernels.Vectors;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;

/**
 * Other kernels, and the time that threads spend in the convolution of the heads and in the scan:
 * both happen in one phase of a step, which nobody could take apart from outside.
 */
final class TimedKernels implements Kernels {
  private final Kernels kernels;
  private final LongAdder convolving = new LongAdder();
  private final LongAdder scanning = new LongAdder();

  TimedKernels(Kernels kernels) {
    this.kernels = kernels;
  }

  /** Forgets all times. */
  void reset() {
    convolving.reset();
    scanning.reset();
  }

  /** Share of the convolution in the time of both. */
  double convolutionShare() {
    double both = convolving.sum() + (double) scanning.sum();
    return both > 0 ? convolving.sum() / both : 0;
  }

  @Override
  public String name() {
    return kernels.name();
  }

  @Override
  public String description() {
    return kernels.description();
  }

  @Override
  public boolean supports(TensorType type) {
    return kernels.supports(type);
  }

  @Override
  public int activationBlock(TensorType type) {
    return kernels.activationBlock(type);
  }

  @Override
  public void rmsNorm(
      Vectors x, int token, MemorySegment weight, int groupSize, float epsilon, Vectors out) {
    kernels.rmsNorm(x, token, weight, groupSize, epsilon, out);
  }

  @Override
  public void quantize(Activations x, int token) {
    kernels.quantize(x, token);
  }

  @Override
  public void multiply(
      Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    kernels.multiply(weights, fromRow, toRow, x, tokens, y);
  }

  @Override
  public void multiplyAdd(
      Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    kernels.multiplyAdd(weights, fromRow, toRow, x, tokens, y);
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
    long start = System.nanoTime();
    kernels.convolve(layer, from, to, firstToken, tokens, projected, state, convolved);
    if (from < layer.inner()) { // B and C are convolved between two phases
      convolving.add(System.nanoTime() - start);
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
    long start = System.nanoTime();
    kernels.scan(layer, fromHead, toHead, firstToken, tokens, projected, convolved, state, y);
    scanning.add(System.nanoTime() - start);
  }
}
