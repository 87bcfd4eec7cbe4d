package dev.mamba4j.engine;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Matrix;
import dev.mamba4j.kernels.StateSpaceLayer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The tensors of a model, where they lie in the mapped file. Only the convolution weights are
 * copied, to have channels side by side, and parameter vectors that are not float32.
 *
 * @param embedding (vocabulary, width)
 * @param layers in order
 * @param outputNorm (width)
 * @param head (vocabulary, width); the embedding if the file has no head of its own
 */
record Mamba2Weights(Matrix embedding, List<Layer> layers, MemorySegment outputNorm, Matrix head) {
  static final String EMBEDDING = "token_embd.weight";
  private static final String HEAD = "output.weight";

  /**
   * One layer.
   *
   * @param norm (width)
   * @param in (projected, width)
   * @param core what lies between the projections
   * @param gateNorm (inner)
   * @param out (width, inner)
   */
  record Layer(
      MemorySegment norm, Matrix in, StateSpaceLayer core, MemorySegment gateNorm, Matrix out) {}

  /**
   * Finds and checks every tensor.
   *
   * @param arena for the copies
   * @throws FormatException naming the tensor that is missing, has a wrong shape or a type that
   *     cannot be run
   */
  static Mamba2Weights of(GgufFile file, Mamba2Config config, Kernels kernels, Arena arena)
      throws FormatException {
    Source source = new Source(file, config, kernels, arena);
    Matrix embedding = source.matrix(EMBEDDING, config.vocabulary(), config.width());
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      layers.add(source.layer("blk." + i + "."));
    }
    boolean tied = file.tensor(HEAD).isEmpty();
    return new Mamba2Weights(
        embedding,
        List.copyOf(layers),
        source.vector("output_norm.weight", config.width()),
        tied ? embedding : source.matrix(HEAD, config.vocabulary(), config.width()));
  }

  static FormatException missing(GgufFile file, String name) {
    return new FormatException(
        file.path() + ": tensor " + name + " is missing; convert or download the model again");
  }

  private record Source(GgufFile file, Mamba2Config config, Kernels kernels, Arena arena) {
    Layer layer(String prefix) throws FormatException {
      return new Layer(
          vector(prefix + "attn_norm.weight", config.width()),
          matrix(prefix + "ssm_in.weight", config.projected(), config.width()),
          core(prefix),
          vector(prefix + "ssm_norm.weight", config.inner()),
          matrix(prefix + "ssm_out.weight", config.width(), config.inner()));
    }

    StateSpaceLayer core(String prefix) throws FormatException {
      int channels = config.channels();
      MemorySegment conv =
          vector(prefix + "ssm_conv1d.weight", Math.multiplyExact(channels, config.convWidth()));
      return new StateSpaceLayer(
          config.heads(),
          config.headSize(),
          config.groups(),
          config.stateSize(),
          config.convWidth(),
          StateSpaceLayer.transposeConvWeight(arena, conv, channels, config.convWidth()),
          vector(prefix + "ssm_conv1d.bias", channels),
          vector(prefix + "ssm_dt.bias", config.heads()),
          vector(prefix + "ssm_a", config.heads()),
          vector(prefix + "ssm_d", config.heads()));
    }

    Matrix matrix(String name, int rows, int columns) throws FormatException {
      GgufTensor tensor = tensor(name);
      if (tensor.columns() != columns || tensor.rows() != rows) {
        throw wrongShape(tensor, columns + " × " + rows);
      }
      if (!kernels.supports(tensor.type())) {
        throw new FormatException(
            file.path()
                + ": tensor "
                + name
                + " has type "
                + tensor.type()
                + ", which this version cannot run; supported are "
                + Arrays.stream(TensorType.values()).filter(kernels::supports).toList());
      }
      return new Matrix(tensor.type(), rows, columns, tensor.data());
    }

    /** A float32 tensor of any dimensions by its number of values; other types are decoded. */
    MemorySegment vector(String name, int count) throws FormatException {
      GgufTensor tensor = tensor(name);
      if (tensor.elements() != count) {
        throw wrongShape(tensor, count + " values");
      }
      if (tensor.type() == TensorType.F32) {
        return tensor.data();
      }
      if (!tensor.type().canDecode()) {
        throw new FormatException(
            file.path() + ": tensor " + name + " has type " + tensor.type() + ", expected F32");
      }
      float[] values = new float[count];
      tensor.type().decode(tensor.data(), 0, values, 0, count);
      return arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
    }

    private GgufTensor tensor(String name) throws FormatException {
      return file.tensor(name).orElseThrow(() -> missing(file, name));
    }

    private FormatException wrongShape(GgufTensor tensor, String expected) {
      return new FormatException(
          file.path()
              + ": tensor "
              + tensor.name()
              + " has shape "
              + Arrays.toString(tensor.dimensions())
              + ", expected "
              + expected
              + " as the metadata says");
    }
  }
}
