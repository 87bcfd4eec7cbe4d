package dev.mamba4j.engine.tokenizer;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufNumbers;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The {@code tokenizer.*} keys of a GGUF file. */
public final class TokenizerMetadata {
  /** The {@link #MODEL} of a file whose model only takes token ids. */
  private static final String NO_VOCABULARY = "no_vocab";

  private static final String MODEL = "tokenizer.ggml.model";
  private static final String PRE = "tokenizer.ggml.pre";
  private static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String TOKEN_TYPES = "tokenizer.ggml.token_type";
  private static final String MERGES = "tokenizer.ggml.merges";
  private static final String BOS = "tokenizer.ggml.bos_token_id";
  private static final String EOS = "tokenizer.ggml.eos_token_id";
  private static final String UNKNOWN = "tokenizer.ggml.unknown_token_id";
  private static final String PADDING = "tokenizer.ggml.padding_token_id";
  private static final String ADD_BOS = "tokenizer.ggml.add_bos_token";
  private static final String ADD_EOS = "tokenizer.ggml.add_eos_token";

  private TokenizerMetadata() {}

  /**
   * Reads the keys. Tokens and merges are decoded as they are asked for.
   *
   * @param where name of the file, for messages
   * @return empty if the file says that it has no tokenizer
   * @throws FormatException if a key is missing or has a wrong type
   */
  public static Optional<TokenizerData> read(GgufMetadata metadata, String where)
      throws FormatException {
    String model = metadata.optionalString(MODEL).orElse(NO_VOCABULARY);
    if (model.equals(NO_VOCABULARY)) {
      return Optional.empty();
    }
    TokenizerData.Builder data =
        TokenizerData.builder(where)
            .model(model)
            .pre(metadata.optionalString(PRE).orElse(""))
            .merges(metadata.has(MERGES) ? metadata.strings(MERGES) : List.of())
            .bos(id(metadata, BOS))
            .eos(id(metadata, EOS))
            .unknown(id(metadata, UNKNOWN))
            .padding(id(metadata, PADDING))
            .addBos(metadata.bool(ADD_BOS, false))
            .addEos(metadata.bool(ADD_EOS, false))
            .chatTemplates(ChatTemplates.read(metadata));
    List<String> tokens = metadata.strings(TOKENS);
    if (metadata.has(TOKEN_TYPES)) {
      data.tokens(tokens, types(metadata.numbers(TOKEN_TYPES)));
    } else {
      data.tokens(tokens);
    }
    return Optional.of(data.build());
  }

  private static OptionalInt id(GgufMetadata metadata, String key) throws FormatException {
    return metadata.has(key) ? OptionalInt.of(metadata.int32(key)) : OptionalInt.empty();
  }

  private static int[] types(GgufNumbers numbers) {
    int[] types = new int[numbers.size()];
    for (int i = 0; i < types.length; i++) {
      types[i] = (int) numbers.integer(i);
    }
    return types;
  }

  /** Writes that the model only takes token ids. */
  public static void writeNone(GgufMetadata.Builder keys) {
    keys.putString(MODEL, NO_VOCABULARY);
  }

  /** Writes the keys, those that are absent left out. */
  public static void write(TokenizerData data, GgufMetadata.Builder keys) {
    keys.putString(MODEL, data.model())
        .putString(PRE, data.pre())
        .putStrings(TOKENS, data.tokens())
        .putInt32s(TOKEN_TYPES, data.tokenTypes())
        .putStrings(MERGES, data.merges());
    data.bos().ifPresent(id -> keys.putUint32(BOS, id));
    data.eos().ifPresent(id -> keys.putUint32(EOS, id));
    data.unknown().ifPresent(id -> keys.putUint32(UNKNOWN, id));
    data.padding().ifPresent(id -> keys.putUint32(PADDING, id));
    if (data.addBos()) {
      keys.putBool(ADD_BOS, true);
    }
    if (data.addEos()) {
      keys.putBool(ADD_EOS, true);
    }
    data.chatTemplates().write(keys);
  }
}
