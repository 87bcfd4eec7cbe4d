package dev.mamba4j.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/**
 * The operations in C: products of int8 activations with the machine's dot products of bytes, one
 * call for a range of rows. See {@code mamba4j.h} for the functions.
 *
 * <p>Addresses are passed as numbers, which costs no allocation; operands are checked before, since
 * C checks nothing. Products that C does not have are left to the scalar loops. Calls are ordinary
 * ones, not critical: a range may take a millisecond, for which the garbage collector must not be
 * held up.
 */
final class NativeKernels implements Kernels {
  /** What stands for an address in {@link #function}. */
  private static final MemoryLayout AT = JAVA_LONG;

  private static final MethodHandle RMS_NORM =
      function(FunctionDescriptor.ofVoid(AT, AT, JAVA_INT, JAVA_INT, JAVA_FLOAT, AT));
  private static final MethodHandle QUANTIZE =
      function(FunctionDescriptor.ofVoid(AT, JAVA_INT, JAVA_INT, AT, AT, AT));
  private static final MethodHandle MULTIPLY =
      function(
          FunctionDescriptor.of(
              JAVA_INT, JAVA_INT, AT, JAVA_INT, JAVA_INT, AT, AT, AT, AT, JAVA_INT, JAVA_INT, AT,
              JAVA_LONG, JAVA_INT));
  private static final MethodHandle CONVOLVE =
      function(
          FunctionDescriptor.ofVoid(
              JAVA_INT, JAVA_INT, JAVA_LONG, AT, AT, AT, JAVA_INT, AT, JAVA_LONG, AT, JAVA_LONG));
  private static final MethodHandle SCAN =
      function(
          FunctionDescriptor.ofVoid(
              JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, AT, AT, AT, JAVA_INT, AT, AT,
              JAVA_LONG, AT, AT, AT, JAVA_LONG, AT, AT, AT, JAVA_LONG));

  private final NativeLibrary library;
  private final ScalarKernels scalar = new ScalarKernels();

  NativeKernels(NativeLibrary library) {
    this.library = library;
  }

  /** A handle that takes the address of the function first, so that it can be constant. */
  private static MethodHandle function(FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(descriptor);
  }

  @Override
  public String name() {
    return "native";
  }

  @Override
  public String description() {
    return "C, " + library.set().description();
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
    try {
      RMS_NORM.invokeExact(
          library.rmsNorm(),
          x.rowAddress(token),
          weight.address(),
          x.columns(),
          groupSize,
          epsilon,
          out.rowAddress(token));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  @Override
  public void quantize(Activations x, int token) {
    if (!x.quantized()) {
      return;
    }
    Objects.checkIndex(token, x.values().rows());
    long first = (long) token * x.columns();
    try {
      QUANTIZE.invokeExact(
          library.quantize(),
          x.values().rowAddress(token),
          x.columns(),
          x.block(),
          x.quants().address() + first,
          x.scales().address() + 4 * (first / x.block()),
          x.sums().address() + 4 * (first / Activations.SUM_BLOCK));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  @Override
  public void multiply(
      Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    weights.checkProduct(fromRow, toRow, x, tokens, y);
    if (hasProduct(weights.type(), x)) {
      multiply(weights, fromRow, toRow, x, tokens, y, 0);
    } else {
      scalar.multiply(weights, fromRow, toRow, x, tokens, y);
    }
  }

  @Override
  public void multiplyAdd(
      Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y) {
    weights.checkProduct(fromRow, toRow, x, tokens, y);
    if (hasProduct(weights.type(), x)) {
      multiply(weights, fromRow, toRow, x, tokens, y, 1);
    } else {
      scalar.multiplyAdd(weights, fromRow, toRow, x, tokens, y);
    }
  }

  /** Whether C has the product, or the scalar loops compute it. */
  boolean hasProduct(TensorType type, Activations x) {
    return switch (type) {
      case F32, F16, BF16 -> !x.quantized();
      case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K ->
          !x.quantized() || x.block() == activationBlock(type);
      default -> false;
    };
  }

  private void multiply(
      Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y, int add) {
    try {
      int done =
          (int)
              MULTIPLY.invokeExact(
                  library.multiply(),
                  weights.type().id(),
                  weights.rowAddress(fromRow),
                  toRow - fromRow,
                  weights.columns(),
                  x.values().data().address(),
                  x.quants().address(),
                  x.scales().address(),
                  x.sums().address(),
                  x.block(),
                  tokens,
                  y.data().address() + 4L * fromRow,
                  (long) y.columns(),
                  add);
      if (done == 0) {
        throw new IllegalStateException("no native product for " + weights.type());
      }
    } catch (Throwable e) {
      throw unexpected(e);
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
    long at = 4L * from;
    long first = 4L * firstToken;
    try {
      CONVOLVE.invokeExact(
          library.convolve(),
          to - from,
          layer.convWidth(),
          (long) layer.channels(),
          layer.convWeight().address() + at,
          layer.convBias().address() + at,
          state.address() + at,
          tokens,
          projected.data().address() + first * projected.columns() + 4L * layer.inner() + at,
          (long) projected.columns(),
          convolved.data().address() + first * convolved.columns() + at,
          (long) convolved.columns());
    } catch (Throwable e) {
      throw unexpected(e);
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
    long first = 4L * firstToken;
    long z = projected.data().address() + first * projected.columns();
    long x = convolved.data().address() + first * convolved.columns();
    long b = x + 4L * layer.inner();
    try {
      SCAN.invokeExact(
          library.scan(),
          fromHead,
          toHead,
          layer.headSize(),
          layer.stateSize(),
          layer.heads() / layer.groups(),
          layer.dtBias().address(),
          layer.a().address(),
          layer.d().address(),
          tokens,
          z,
          z + 4L * (layer.inner() + layer.channels()),
          (long) projected.columns(),
          x,
          b,
          b + 4L * layer.groups() * layer.stateSize(),
          (long) convolved.columns(),
          state.address(),
          state.address() + 4 * (layer.scanStateSize() - layer.heads()),
          y.data().address() + first * y.columns(),
          (long) y.columns());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** C throws nothing; what comes here is an error of the JVM or of this class. */
  private static RuntimeException unexpected(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException known ? known : new IllegalStateException(e);
  }
}
