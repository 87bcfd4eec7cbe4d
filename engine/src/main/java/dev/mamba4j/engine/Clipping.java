package dev.mamba4j.engine;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufNumbers;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The largest magnitudes that activations keep; what is larger is cut off. A rare large value makes
 * the steps wide in which a block of inputs is rounded (Chiang et al. 2024, arXiv 2410.13229, cut
 * off x so).
 *
 * <p>A file may have an array of float32, one for each layer, under either key; where there is
 * none, nothing is cut off. Other programs do not know these keys, and compute without.
 *
 * @param outProj (layers) of the inputs of ssm_out, above 0; infinite for no limit
 * @param ssmX (layers) of x, which goes into the state; likewise
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Clipping(float[] outProj, float[] ssmX) {
  /** What the keys begin with. */
  public static final String PREFIX = "mamba4j.clip.";

  private static final String OUT_PROJ = PREFIX + "out_proj";
  private static final String SSM_X = PREFIX + "ssm_x";

  /** Limits that cut nothing off. */
  public static Clipping none(int layers) {
    return new Clipping(infinite(layers), infinite(layers));
  }

  /**
   * Reads the limits in a file.
   *
   * @param where the file, for messages
   * @throws FormatException if a key is not an array of one number above 0 for each layer
   */
  static Clipping of(GgufMetadata metadata, String where, int layers) throws FormatException {
    return new Clipping(
        limits(metadata, OUT_PROJ, where, layers), limits(metadata, SSM_X, where, layers));
  }

  private static float[] limits(GgufMetadata metadata, String key, String where, int layers)
      throws FormatException {
    if (!metadata.has(key)) {
      return infinite(layers);
    }
    GgufNumbers numbers = metadata.numbers(key);
    if (numbers.size() != layers) {
      throw new FormatException(
          "%s: key \"%s\" has %d limits, expected one for each of %d layers; quantize again"
              .formatted(where, key, numbers.size(), layers));
    }
    float[] limits = new float[layers];
    for (int i = 0; i < layers; i++) {
      limits[i] = numbers.float32(i);
      if (!(limits[i] > 0)) {
        throw new FormatException(
            "%s: key \"%s\": the limit of layer %d is %s, expected a number above 0; quantize again"
                .formatted(where, key, i, limits[i]));
      }
    }
    return limits;
  }

  private static float[] infinite(int layers) {
    float[] limits = new float[layers];
    Arrays.fill(limits, Float.POSITIVE_INFINITY);
    return limits;
  }

  /** Puts the limits into a file, as far as there are any. */
  public void describe(GgufMetadata.Builder keys) {
    put(keys, OUT_PROJ, outProj);
    put(keys, SSM_X, ssmX);
  }

  private static void put(GgufMetadata.Builder keys, String key, float[] limits) {
    keys.remove(key);
    if (isFinite(limits)) {
      keys.putFloat32s(key, limits);
    }
  }

  /** Whether nothing is cut off. */
  public boolean isNone() {
    return !isFinite(outProj) && !isFinite(ssmX);
  }

  @Override
  public String toString() {
    return OUT_PROJ + Arrays.toString(outProj) + SSM_X + Arrays.toString(ssmX);
  }

  private static boolean isFinite(float[] limits) {
    return IntStream.range(0, limits.length).anyMatch(i -> Float.isFinite(limits[i]));
  }
}
