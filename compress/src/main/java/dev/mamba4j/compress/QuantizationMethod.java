package dev.mamba4j.compress;

import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** How the values of a matrix become integers, once the type is chosen. */
public interface QuantizationMethod {
  /** Writes rows of one matrix; safe for several threads. */
  @FunctionalInterface
  interface RowEncoder {
    /**
     * Encodes whole rows.
     *
     * @param values (rows, columns); may be overwritten
     * @param count how many values
     * @param target as many bytes as the type takes for them
     */
    void encode(float[] values, int count, MemorySegment target);
  }

  /** What it is called in plans and files. */
  String name();

  /** A text that differs where the integers that it gives may differ. */
  default String fingerprint() {
    return name();
  }

  /** Puts into a file how it was made. */
  default void describe(GgufMetadata.Builder keys) {
    keys.putString("mamba4j.plan.method", name());
  }

  /**
   * Does what is done once for all rows of a matrix.
   *
   * @throws IOException if what the method knows of the matrix is of no use
   */
  RowEncoder encoder(SourceTensor tensor, TensorType type) throws IOException;

  /**
   * All of a matrix, where the method keeps what it has encoded, so that work that was killed need
   * not do it again; empty where it does not.
   *
   * @throws IOException as {@link #encoder}, or if a value does not fit the type
   */
  default Optional<MemorySegment> encoded(SourceTensor tensor, TensorType type) throws IOException {
    return Optional.empty();
  }

  /** About how many seconds it takes to encode a matrix; 0 if that is little, or not known. */
  default double seconds(SourceTensor tensor, TensorType type) {
    return 0;
  }
}
