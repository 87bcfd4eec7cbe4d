package dev.mamba4j.kernels;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;

/**
 * The numeric operations of a Mamba-2 model. Each works on a range of rows, channels or heads, so
 * that a team of threads can share one operation; different ranges may run at the same time.
 *
 * <p>Implementations have the same methods in the same order. {@link ScalarKernels} is the oracle:
 * it reads like the equations, and the others are tested against it. Symbols are those of
 * "Transformers are SSMs" (Dao and Gu 2024, arXiv 2405.21060).
 *
 * <p>All memory is native and belongs to the caller, who keeps it alive during a call.
 */
public interface Kernels {
  /**
   * Where a convolution's ranges of channels should begin: at multiples of this, the result does
   * not depend on how channels are shared. For rows and heads it never does.
   */
  int CHANNEL_STEP = 32;

  /** What a user calls this implementation: scalar, vector, native. */
  String name();

  /** What it runs on, for the user: vector width, instruction set. */
  String description();

  /** Whether {@link #multiply} works for weights of this type. */
  boolean supports(TensorType type);

  /**
   * The block in which activations are to be quantized for weights of this type, or 0 if products
   * take the floats.
   */
  int activationBlock(TensorType type);

  /**
   * Root mean square norm of one vector, by groups: {@code out = x / sqrt(mean(x²) + epsilon) *
   * weight}, the mean taken over each {@code groupSize} values.
   *
   * @param x (tokens, columns)
   * @param weight (columns)
   * @param groupSize divides columns; columns for the plain norm
   * @param out (tokens, columns), may be x
   */
  void rmsNorm(
      Vectors x, int token, MemorySegment weight, int groupSize, float epsilon, Vectors out);

  /**
   * Brings one vector to the form that products take: fills the int8 form or, where products take
   * floats, rounds those to what the int8 form would say. Nothing to do for block 0.
   */
  void quantize(Activations x, int token);

  /**
   * Rows of a product: {@code y[t][r] = Σ_c weights[r][c] * x[t][c]} for r in [fromRow, toRow).
   *
   * @param tokens how many vectors of x, from the first
   * @param y (tokens, rows)
   */
  void multiply(Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y);

  /** As {@link #multiply}, added to what y holds. */
  void multiplyAdd(Matrix weights, int fromRow, int toRow, Activations x, int tokens, Vectors y);

  /**
   * Causal depthwise convolution and SiLU for channels in [from, to), tokens in order; the state
   * moves on.
   *
   * @param projected (tokens, layer.projected()), read at the columns of x, B and C
   * @param state (convWidth - 1, channels), the inputs before the first token, oldest first
   * @param convolved (tokens, channels)
   */
  void convolve(
      StateSpaceLayer layer,
      int from,
      int to,
      int firstToken,
      int tokens,
      Vectors projected,
      MemorySegment state,
      Vectors convolved);

  /**
   * The selective state space of heads in [fromHead, toHead), tokens in order, and the gate:
   *
   * <pre>
   * dt      = softplus(dt + dtBias)
   * S[n][p] = exp(dt * A) * S[n][p] + dt * x[p] * B[n]
   * y[p]    = (Σ_n S[n][p] * C[n] + D * x[p]) * silu(z[p])
   * </pre>
   *
   * The results are the same to the last bit whether tokens come together or one by one.
   *
   * @param projected (tokens, layer.projected()), read at z and dt
   * @param convolved (tokens, channels): x, B, C
   * @param state (heads, stateSize, headSize) and (heads), see {@link
   *     StateSpaceLayer#scanStateSize}
   * @param y (tokens, inner)
   */
  void scan(
      StateSpaceLayer layer,
      int fromHead,
      int toHead,
      int firstToken,
      int tokens,
      Vectors projected,
      Vectors convolved,
      MemorySegment state,
      Vectors y);
}
