package dev.mamba4j.compress;

import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.engine.tokenizer.TokenizerData;
import dev.mamba4j.engine.tokenizer.TokenizerMetadata;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import dev.mamba4j.formats.tensor.TensorType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model of a published shape with random weights, to measure speed and memory without the real
 * ones. The weights have the sizes that training starts from, so that nothing overflows, and depend
 * on nothing but the name of the tensor. llama.cpp runs the files too.
 */
public final class SyntheticModel implements ModelSource {
  private static final int VOCABULARY = 50_288;
  private static final int HEAD_SIZE = 64;
  private static final int STATE_SIZE = 128;
  private static final int CONV_WIDTH = 4;

  /** The shapes of state-spaces: layers and width; all else follows. */
  private static final Map<String, int[]> SHAPES = shapes();

  private final String shape;
  private final Mamba2Config config;
  private final GgufMetadata metadata;
  private final List<SourceTensor> tensors = new ArrayList<>();

  private SyntheticModel(String shape, int layers, int width) throws FormatException {
    this.shape = shape;
    int inner = 2 * width;
    config =
        new Mamba2Config(
            layers, width, inner, inner / HEAD_SIZE, 1, STATE_SIZE, CONV_WIDTH, VOCABULARY, 1e-5f);
    GgufMetadata.Builder keys = ModelMetadata.of(config, shape + " with random weights");
    TokenizerMetadata.write(TokenizerData.gptNeoX().paddedTo(VOCABULARY), keys);
    metadata = keys.build();
    addMatrix("token_embd.weight", VOCABULARY, width);
    add(0.9, 1.1, "output_norm.weight", width);
    for (int i = 0; i < layers; i++) {
      addLayer("blk." + i + ".");
    }
  }

  private static Map<String, int[]> shapes() {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("mamba2-130m", new int[] {24, 768});
    shapes.put("mamba2-370m", new int[] {48, 1024});
    shapes.put("mamba2-780m", new int[] {48, 1536});
    shapes.put("mamba2-1.3b", new int[] {48, 2048});
    shapes.put("mamba2-2.7b", new int[] {64, 2560});
    return shapes;
  }

  /**
   * A model by the name of its shape, such as {@code mamba2-2.7b}.
   *
   * @throws IllegalArgumentException if there is no such shape
   */
  public static SyntheticModel of(String shape) throws FormatException {
    int[] size = SHAPES.get(shape);
    if (size == null) {
      throw new IllegalArgumentException(
          "\"%s\" is not a shape; there are %s"
              .formatted(shape, String.join(", ", SHAPES.keySet())));
    }
    return new SyntheticModel(shape, size[0], size[1]);
  }

  private void addLayer(String prefix) {
    int heads = config.heads();
    int channels = config.channels();
    add(0.9, 1.1, prefix + "attn_norm.weight", config.width());
    addMatrix(prefix + "ssm_in.weight", config.projected(), config.width());
    add(-0.5, 0.5, prefix + "ssm_conv1d.weight", CONV_WIDTH, channels);
    add(-0.1, 0.1, prefix + "ssm_conv1d.bias", channels);
    add(-6.9, -2.3, prefix + "ssm_dt.bias", heads); // softplus gives steps of 0.001 to 0.1
    add(-16, -1, prefix + "ssm_a", 1, heads);
    add(0.9, 1.1, prefix + "ssm_d", 1, heads);
    add(0.9, 1.1, prefix + "ssm_norm.weight", config.inner(), 1);
    addMatrix(prefix + "ssm_out.weight", config.width(), config.inner());
  }

  private void addMatrix(String name, int rows, int columns) {
    double bound = 1 / Math.sqrt(columns);
    add(-bound, bound, name, columns, rows);
  }

  /** Uniform numbers between two bounds. */
  private void add(double from, double to, String name, long... dimensions) {
    long seed = (long) name.hashCode() << 32;
    float scale = (float) ((to - from) * 0x1p-24);
    float base = (float) from;
    SourceTensor.Values values =
        (first, target, count) -> {
          for (int i = 0; i < count; i++) {
            target[i] = base + scale * (mix(seed + first + i) >>> 40);
          }
        };
    GgufTensorInfo info = new GgufTensorInfo(name, TensorType.F32, dimensions);
    tensors.add(new SourceTensor(info, values, Optional.empty()));
  }

  /** The finalizer of SplitMix64 (Steele, Lea and Flood 2014) over a counter. */
  private static long mix(long counter) {
    long z = counter * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  @Override
  public String name() {
    return shape;
  }

  @Override
  public GgufMetadata metadata() {
    return metadata;
  }

  @Override
  public List<SourceTensor> tensors() {
    return List.copyOf(tensors);
  }

  @Override
  public void close() {
    // Nothing is held.
  }
}
