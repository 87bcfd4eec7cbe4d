package dev.mamba4j.engine;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensor;

/**
 * The shape of a Mamba-2 model, as the {@code mamba2.*} keys of a GGUF file give it.
 *
 * @param layers number of layers (block_count)
 * @param width length of the hidden vector (embedding_length)
 * @param inner channels of x and z (ssm.inner_size)
 * @param heads number of heads (ssm.time_step_rank)
 * @param groups pairs of B and C (ssm.group_count)
 * @param stateSize state values of each channel (ssm.state_size)
 * @param convWidth taps of the convolution (ssm.conv_kernel)
 * @param vocabulary rows of the embedding, padding included
 * @param epsilon of every norm (attention.layer_norm_rms_epsilon)
 */
public record Mamba2Config(
    int layers,
    int width,
    int inner,
    int heads,
    int groups,
    int stateSize,
    int convWidth,
    int vocabulary,
    float epsilon) {
  /** The value of {@code general.architecture}. */
  public static final String ARCHITECTURE = "mamba2";

  /** Beyond this a size cannot be meant; it keeps products of sizes within a long. */
  private static final int MAX_SIZE = 1 << 24;

  /** Checks that the sizes fit each other. */
  public Mamba2Config {
    check("block_count", layers, MAX_SIZE);
    check("embedding_length", width, MAX_SIZE);
    check("ssm.inner_size", inner, MAX_SIZE);
    check("ssm.time_step_rank", heads, MAX_SIZE);
    check("ssm.group_count", groups, MAX_SIZE);
    check("ssm.state_size", stateSize, 1 << 16);
    check("ssm.conv_kernel", convWidth - 1, 1 << 8);
    check("vocabulary", vocabulary, MAX_SIZE);
    if (inner % heads != 0) {
      throw new IllegalArgumentException(
          "ssm.inner_size " + inner + " is not a multiple of ssm.time_step_rank " + heads);
    }
    if (heads % groups != 0) {
      throw new IllegalArgumentException(
          "ssm.time_step_rank " + heads + " is not a multiple of ssm.group_count " + groups);
    }
    if (!(epsilon > 0 && epsilon < 1)) {
      throw new IllegalArgumentException("attention.layer_norm_rms_epsilon is " + epsilon);
    }
  }

  private static void check(String name, int value, int max) {
    if (value < 1 || value > max) {
      throw new IllegalArgumentException(name + " is " + value);
    }
  }

  /**
   * Reads the shape of the model in a file.
   *
   * @throws FormatException if the file holds another architecture, lacks a key or has sizes that
   *     do not fit each other
   */
  public static Mamba2Config of(GgufFile file) throws FormatException {
    GgufMetadata metadata = file.metadata();
    String architecture = metadata.string("general.architecture");
    if (!architecture.equals(ARCHITECTURE)) {
      throw new FormatException(
          file.path()
              + ": the architecture is \""
              + architecture
              + "\"; mamba4j runs models of architecture \""
              + ARCHITECTURE
              + "\"");
    }
    GgufTensor embedding =
        file.tensor(Mamba2Weights.EMBEDDING)
            .orElseThrow(() -> Mamba2Weights.missing(file, Mamba2Weights.EMBEDDING));
    try {
      return new Mamba2Config(
          key(metadata, "block_count"),
          key(metadata, "embedding_length"),
          key(metadata, "ssm.inner_size"),
          key(metadata, "ssm.time_step_rank"),
          key(metadata, "ssm.group_count"),
          key(metadata, "ssm.state_size"),
          key(metadata, "ssm.conv_kernel"),
          Math.toIntExact(embedding.rows()),
          metadata.float32(ARCHITECTURE + ".attention.layer_norm_rms_epsilon"));
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new FormatException(file.path() + ": not a usable Mamba-2 model: " + e.getMessage(), e);
    }
  }

  /**
   * The number of layers that the keys of a model tell.
   *
   * @throws FormatException if they do not
   */
  public static int layers(GgufMetadata metadata) throws FormatException {
    return key(metadata, "block_count");
  }

  private static int key(GgufMetadata metadata, String name) throws FormatException {
    return metadata.int32(ARCHITECTURE + "." + name);
  }

  /** Channels of a head. */
  public int headSize() {
    return inner / heads;
  }

  /** Channels of the convolution: x, B and C. */
  public int channels() {
    return inner + 2 * groups * stateSize;
  }

  /** Outputs of the input projection: z, x, B, C and dt. */
  public int projected() {
    return inner + channels() + heads;
  }

  /** Values that the convolution of a layer remembers: (convWidth - 1, channels). */
  public long convStateSize() {
    return (convWidth - 1L) * channels();
  }

  /** Values of the recurrent state of a layer, but for a factor of each head. */
  public long scanStateSize() {
    return (long) inner * stateSize;
  }

  /** Bytes of the state of a sequence in float32. */
  public long stateBytes() {
    return 4L * layers * (convStateSize() + scanStateSize() + heads);
  }
}
