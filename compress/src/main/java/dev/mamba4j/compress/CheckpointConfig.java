package dev.mamba4j.compress;

import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The shape of a checkpoint as its configuration gives it: {@code config.json} of state-spaces or
 * of transformers, or {@code params.json} of Mistral. What a configuration leaves out has the
 * default of {@code mamba_ssm.modules.mamba2.Mamba2}.
 *
 * @param width d_model
 * @param headSize headdim
 * @param tied whether the head is the embedding
 */
record CheckpointConfig(
    int layers,
    int width,
    int inner,
    int headSize,
    int groups,
    int stateSize,
    int convWidth,
    float epsilon,
    boolean tied) {
  private static final float DEFAULT_EPSILON = 1e-5f;
  private static final int LARGEST_SIZE = 1 << 24;

  /**
   * Reads the configuration of a checkpoint folder.
   *
   * @throws FormatException if it is not that of a Mamba-2 model as mamba4j runs it
   */
  static CheckpointConfig read(Path folder) throws IOException {
    Path config = folder.resolve("config.json");
    Path params = folder.resolve("params.json");
    if (Files.exists(config)) {
      JsonObject json = Json.read(config);
      return json.has("d_model") ? stateSpaces(json) : transformers(json);
    }
    if (Files.exists(params)) {
      return mistral(Json.read(params));
    }
    throw new NoSuchFileException(
        config.toString(),
        null,
        "a checkpoint folder holds a config.json (or params.json) beside its weights");
  }

  /** Mamba2Config's of state-spaces/mamba: {@code models/config_mamba.py}. */
  private static CheckpointConfig stateSpaces(JsonObject json) throws FormatException {
    JsonObject ssm = json.optionalObject("ssm_cfg").orElse(new JsonObject(json.where(), Map.of()));
    expect(ssm, "layer", "Mamba2", ssm.optionalString("layer").orElse("Mamba1"));
    expect(json, "d_intermediate", 0L, json.integer("d_intermediate", 0));
    expect(json, "rms_norm", true, json.bool("rms_norm", true));
    if (json.has("attn_layer_idx") && !json.list("attn_layer_idx").isEmpty()) {
      throw unsupported(json, "attn_layer_idx", "no attention layers", json.list("attn_layer_idx"));
    }
    int width = size(json, "d_model");
    int headSize = size(ssm, "headdim", 64);
    return new CheckpointConfig(
        size(json, "n_layer"),
        width,
        inner(ssm, width),
        headSize,
        size(ssm, "ngroups", 1),
        size(ssm, "d_state", 128),
        size(ssm, "d_conv", 4),
        DEFAULT_EPSILON,
        json.bool("tie_embeddings", true));
  }

  /** {@code Mamba2Config} of transformers. */
  private static CheckpointConfig transformers(JsonObject json) throws FormatException {
    expect(json, "model_type", "mamba2", json.optionalString("model_type").orElse("nothing"));
    expect(json, "use_bias", false, json.bool("use_bias", false));
    expect(json, "rms_norm", true, json.bool("rms_norm", true));
    expect(json, "hidden_act", "silu", json.optionalString("hidden_act").orElse("silu"));
    if (json.has("time_step_limit")) {
      List<?> limit = json.list("time_step_limit");
      if (!limit.equals(List.of(0.0, Double.POSITIVE_INFINITY))) {
        throw unsupported(json, "time_step_limit", "[0.0, Infinity]", limit);
      }
    }
    int width = size(json, "hidden_size");
    int headSize = size(json, "head_dim", 64);
    int inner = inner(json, width);
    expect(json, "num_heads", (long) inner / headSize, json.integer("num_heads", inner / headSize));
    return new CheckpointConfig(
        size(json, "num_hidden_layers"),
        width,
        inner,
        headSize,
        size(json, "n_groups", 8),
        size(json, "state_size", 128),
        size(json, "conv_kernel", 4),
        (float) json.number("layer_norm_epsilon", DEFAULT_EPSILON),
        json.bool("tie_word_embeddings", false));
  }

  /** {@code params.json} of Mamba-Codestral. */
  private static CheckpointConfig mistral(JsonObject json) throws FormatException {
    expect(json, "model_type", "mamba", json.optionalString("model_type").orElse("nothing"));
    int width = size(json, "dim");
    return new CheckpointConfig(
        size(json, "n_layers"),
        width,
        Math.multiplyExact(2, width),
        64,
        size(json, "n_groups", 1),
        128,
        4,
        DEFAULT_EPSILON,
        json.bool("tie_embeddings", true));
  }

  /** The model's shape, its vocabulary taken from the embedding. */
  Mamba2Config toModel(String where, int vocabulary) throws FormatException {
    try {
      return new Mamba2Config(
          layers,
          width,
          inner,
          Math.max(1, inner / headSize),
          groups,
          stateSize,
          convWidth,
          vocabulary,
          epsilon);
    } catch (IllegalArgumentException e) {
      throw new FormatException(where + ": " + e.getMessage(), e);
    }
  }

  private static int inner(JsonObject json, int width) throws FormatException {
    int expand = size(json, "expand", 2);
    if (expand > LARGEST_SIZE / width) {
      throw unsupported(json, "expand", "at most " + LARGEST_SIZE / width, expand);
    }
    return expand * width;
  }

  private static int size(JsonObject json, String name) throws FormatException {
    return size(json, name, json.integer(name));
  }

  private static int size(JsonObject json, String name, long otherwise) throws FormatException {
    long value = json.integer(name, otherwise);
    if (value < 1 || value > LARGEST_SIZE) {
      throw unsupported(json, name, "a size", value);
    }
    return (int) value;
  }

  private static void expect(JsonObject json, String name, Object expected, Object found)
      throws FormatException {
    if (!expected.equals(found)) {
      throw unsupported(json, name, expected, found);
    }
  }

  private static FormatException unsupported(
      JsonObject json, String name, Object expected, Object found) {
    return new FormatException(
        "%s: field \"%s\": expected %s for a Mamba-2 model that mamba4j can run, found %s"
            .formatted(json.where(), name, expected, found));
  }
}
