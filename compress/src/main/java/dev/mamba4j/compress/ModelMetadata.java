package dev.mamba4j.compress;

import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.engine.tokenizer.TokenizerMetadata;
import dev.mamba4j.formats.gguf.GgufMetadata;

/**
 * The keys of a {@code mamba2} file, as llama.cpp's converter writes and its loader asks for them.
 */
final class ModelMetadata {
  /** Mamba-2 has no limit; llama.cpp's converter writes this. */
  private static final long CONTEXT_LENGTH = 1 << 20;

  private ModelMetadata() {}

  /** The keys that the shape decides. */
  static GgufMetadata.Builder of(Mamba2Config config, String name) {
    String prefix = Mamba2Config.ARCHITECTURE + ".";
    return GgufMetadata.builder()
        .putString("general.architecture", Mamba2Config.ARCHITECTURE)
        .putString("general.name", name)
        .putUint32(prefix + "context_length", CONTEXT_LENGTH)
        .putUint32(prefix + "embedding_length", config.width())
        .putUint32(prefix + "feed_forward_length", 0)
        .putUint32(prefix + "attention.head_count", 0)
        .putUint32(prefix + "block_count", config.layers())
        .putUint32(prefix + "ssm.conv_kernel", config.convWidth())
        .putUint32(prefix + "ssm.inner_size", config.inner())
        .putUint32(prefix + "ssm.state_size", config.stateSize())
        .putUint32(prefix + "ssm.time_step_rank", config.heads())
        .putUint32(prefix + "ssm.group_count", config.groups())
        .putFloat32(prefix + "attention.layer_norm_rms_epsilon", config.epsilon());
  }

  /** What llama.cpp expects of a model that only takes token ids. */
  static void putNoTokenizer(GgufMetadata.Builder keys, int vocabulary) {
    TokenizerMetadata.writeNone(keys);
    keys.putUint32(Mamba2Config.ARCHITECTURE + ".vocab_size", vocabulary);
  }
}
