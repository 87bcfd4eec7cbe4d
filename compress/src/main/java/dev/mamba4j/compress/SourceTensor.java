package dev.mamba4j.compress;

import dev.mamba4j.formats.gguf.GgufTensorInfo;
import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A tensor to be written.
 *
 * @param info GGUF name, dimensions and the type that holds the values without loss
 * @param values gives the values as floats
 * @param stored the bytes if they already lie somewhere as {@code info.type()} has them
 */
public record SourceTensor(GgufTensorInfo info, Values values, Optional<MemorySegment> stored) {
  /** Gives ranges of values. */
  @FunctionalInterface
  public interface Values {
    /** Reads {@code count} values from number {@code first} on into {@code target[0..count)}. */
    void read(long first, float[] target, int count);
  }

  /** The GGUF name. */
  public String name() {
    return info.name();
  }

  /**
   * Whether the tensor is a matrix of products, which may be quantized. All others are float32:
   * they are small, and the recurrence is sensitive to them.
   */
  public boolean isMatrix() {
    return isMatrix(name());
  }

  /** Whether the tensor of a GGUF name is one; see {@link #isMatrix()}. */
  public static boolean isMatrix(String name) {
    return switch (name) {
      case "token_embd.weight", "output.weight" -> true;
      default -> name.endsWith(".ssm_in.weight") || name.endsWith(".ssm_out.weight");
    };
  }

  /**
   * The type to write: the wanted one for matrices where rows are whole blocks of it, otherwise the
   * next one of blocks of 32 as llama.cpp chooses it, or F16.
   */
  public TensorType typeFor(TensorType wanted) {
    if (!isMatrix()) {
      return TensorType.F32;
    }
    if (info.columns() % wanted.blockSize() == 0) {
      return wanted;
    }
    return switch (wanted) {
      case Q2_K, Q3_K, IQ4_XS -> typeFor(TensorType.IQ4_NL);
      case Q4_K -> typeFor(TensorType.Q5_0);
      case Q5_K -> typeFor(TensorType.Q5_1);
      case Q6_K -> typeFor(TensorType.Q8_0);
      default -> TensorType.F16;
    };
  }
}
