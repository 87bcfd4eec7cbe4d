package dev.mamba4j.compress.allocation;

import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.ScratchFile;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.TensorEncoder;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Matrix;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Matrices in the types that are tried, each encoded once. */
final class EncodedMatrices {
  private record Key(String tensor, TensorType type) {}

  private final QuantizationMethod method;
  private final ScratchFile scratch;
  private final Map<Key, Matrix> known = new HashMap<>();

  EncodedMatrices(QuantizationMethod method, ScratchFile scratch) {
    this.method = method;
    this.scratch = scratch;
  }

  Matrix get(SourceTensor tensor, TensorType type) throws IOException {
    Key key = new Key(tensor.name(), type);
    Matrix matrix = known.get(key);
    if (matrix == null) {
      matrix = encode(tensor, type);
      known.put(key, matrix);
    }
    return matrix;
  }

  private Matrix encode(SourceTensor tensor, TensorType type) throws IOException {
    Optional<MemorySegment> kept = method.encoded(tensor, type);
    MemorySegment bytes = kept.isPresent() ? kept.get() : toScratch(tensor, type);
    int rows = (int) tensor.info().rows();
    return new Matrix(type, rows, (int) tensor.info().columns(), bytes);
  }

  private MemorySegment toScratch(SourceTensor tensor, TensorType type) throws IOException {
    MemorySegment target = scratch.allocate(type.byteSize(tensor.info().elements()));
    TensorEncoder.of(tensor, type, method).encodeAll(target);
    return target;
  }
}
