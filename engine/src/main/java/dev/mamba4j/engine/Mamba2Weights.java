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
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors of a model, where they lie in the mapped file. Only the convolution weights are
 * copied, to have channels side by side, and parameter vectors that are not float32.
 *
 * @param embedding (vocabulary, width)
 * @param layers in order
 * @param outputNorm (width)
 * @param head (vocabulary, width)
 * @param tied whether the head is the embedding, since the file has none of its own
 */
record Mamba2Weights(
    Matrix embedding, List<Layer> layers, MemorySegment outputNorm, Matrix head, boolean tied) {
  static final String EMBEDDING = "token_embd.weight";
  static final String IN = "ssm_in.weight";
  static final String OUT = "ssm_out.weight";
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
      layers.add(source.layer(prefix(i)));
    }
    boolean tied = file.tensor(HEAD).isEmpty();
    return new Mamba2Weights(
        embedding,
        List.copyOf(layers),
        source.vector("output_norm.weight", config.width()),
        tied ? embedding : source.matrix(HEAD, config.vocabulary(), config.width()),
        tied);
  }

  /** What the names of a layer's tensors begin with. */
  static String prefix(int layer) {
    return "blk." + layer + ".";
  }

  /** The name of the matrix that the head is. */
  String headName() {
    return tied ? EMBEDDING : HEAD;
  }

  /**
   * The same with other matrices in place of those of these names; a tied head follows the
   * embedding.
   *
   * @throws IllegalArgumentException if there is no matrix of a name, or one of another shape
   */
  Mamba2Weights with(Map<String, Matrix> others) {
    Map<String, Matrix> left = new HashMap<>(others);
    Matrix newEmbedding = swap(left, EMBEDDING, embedding);
    Matrix newHead = tied ? newEmbedding : swap(left, HEAD, head);
    List<Layer> newLayers = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      Layer layer = layers.get(i);
      Matrix in = swap(left, prefix(i) + IN, layer.in());
      Matrix out = swap(left, prefix(i) + OUT, layer.out());
      newLayers.add(new Layer(layer.norm(), in, layer.core(), layer.gateNorm(), out));
    }
    if (!left.isEmpty()) {
      throw new IllegalArgumentException("the model has no matrix " + left.keySet());
    }
    return new Mamba2Weights(newEmbedding, List.copyOf(newLayers), outputNorm, newHead, tied);
  }

  private static Matrix swap(Map<String, Matrix> others, String name, Matrix now) {
    Matrix other = others.remove(name);
    if (other == null) {
      return now;
    }
    if (other.rows() != now.rows() || other.columns() != now.columns()) {
      throw new IllegalArgumentException(
          "%s is %d × %d, given %d × %d"
              .formatted(name, now.rows(), now.columns(), other.rows(), other.columns()));
    }
    return other;
  }

  static FormatException missing(GgufFile file, String name) {
    return new FormatException(
        file.path() + ": tensor " + name + " is missing; convert or download the model again");
  }

  private record Source(GgufFile file, Mamba2Config config, Kernels kernels, Arena arena) {
    Layer layer(String prefix) throws FormatException {
      return new Layer(
          vector(prefix + "attn_norm.weight", config.width()),
          matrix(prefix + IN, config.projected(), config.width()),
          core(prefix),
          vector(prefix + "ssm_norm.weight", config.inner()),
          matrix(prefix + OUT, config.width(), config.inner()));
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
