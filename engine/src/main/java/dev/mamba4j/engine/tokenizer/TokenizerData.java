package dev.mamba4j.engine.tokenizer;

import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a file says about a tokenizer, in the terms of GGUF's {@code tokenizer.*} keys. Plain
 * values, not yet checked: {@link Tokenizer#of} does that.
 */
public final class TokenizerData {
  private final String where;
  private final String model;
  private final String pre;
  private final List<String> tokens;
  private final int[] tokenTypes;
  private final List<String> merges;
  private final OptionalInt bos;
  private final OptionalInt eos;
  private final OptionalInt unknown;
  private final OptionalInt padding;
  private final boolean addBos;
  private final boolean addEos;
  private final ChatTemplates chatTemplates;

  private TokenizerData(Builder builder) {
    where = builder.where;
    model = builder.model;
    pre = builder.pre;
    tokens = builder.tokens;
    tokenTypes = builder.tokenTypes;
    merges = builder.merges;
    bos = builder.bos;
    eos = builder.eos;
    unknown = builder.unknown;
    padding = builder.padding;
    addBos = builder.addBos;
    addEos = builder.addEos;
    chatTemplates = builder.chatTemplates;
  }

  /**
   * Starts the data of a tokenizer.
   *
   * @param where name of the file, for messages
   */
  public static Builder builder(String where) {
    return new Builder(where);
  }

  /**
   * Reads a {@code tokenizer.json} of the Hugging Face library, and the {@code
   * tokenizer_config.json} beside it if there is one. Without that, {@code <|endoftext|>} begins
   * and ends texts.
   *
   * @throws FormatException naming file and field if it asks for anything but byte-level BPE as
   *     GPT-2 and GPT-NeoX use it
   */
  public static TokenizerData fromHuggingFace(Path tokenizerJson) throws IOException {
    return TokenizerJson.read(tokenizerJson);
  }

  /**
   * The tokenizer of GPT-NeoX-20B, which the state-spaces checkpoints use and do not ship: 50277
   * tokens, {@code <|endoftext|>} = 0.
   */
  public static TokenizerData gptNeoX() {
    return NeoXVocabulary.read();
  }

  /** The text of an id beyond the tokenizer, as llama.cpp's converter writes it. */
  static String paddingText(int id) {
    return "[PAD" + id + "]";
  }

  /**
   * The same tokenizer with as many ids as the model has rows of embeddings: each id without a
   * token is {@code [PADid]}, of type user-defined, as llama.cpp's files have it.
   *
   * @throws FormatException if the tokenizer has more tokens than that
   */
  public TokenizerData paddedTo(int size) throws FormatException {
    if (size < tokens.size()) {
      throw new FormatException(
          "%s: tokens: expected at most the %d that the model has embeddings for, found %d"
              .formatted(where, size, tokens.size()));
    }
    List<String> paddedTokens = new ArrayList<>(tokens);
    int[] paddedTypes = Arrays.copyOf(tokenTypes, size);
    for (int id = tokens.size(); id < size; id++) {
      paddedTokens.add(paddingText(id));
      paddedTypes[id] = TokenType.USER_DEFINED.id();
    }
    return new Builder(this).tokens(paddedTokens, paddedTypes).build();
  }

  /** Name of the source, for messages. */
  public String where() {
    return where;
  }

  /** {@code tokenizer.ggml.model}: the kind of tokenizer, "gpt2" for byte-level BPE. */
  public String model() {
    return model;
  }

  /** {@code tokenizer.ggml.pre}: how text is prepared and cut into words. */
  public String pre() {
    return pre;
  }

  /** {@code tokenizer.ggml.tokens}: the texts by id. */
  public List<String> tokens() {
    return tokens;
  }

  /** {@code tokenizer.ggml.token_type}: one {@link TokenType#id()} for each token; a copy. */
  public int[] tokenTypes() {
    return tokenTypes.clone();
  }

  /** The number of a token's type. */
  int tokenType(int id) {
    return tokenTypes[id];
  }

  /** {@code tokenizer.ggml.merges}: "left right", the first to be merged first. */
  public List<String> merges() {
    return merges;
  }

  /** {@code tokenizer.ggml.bos_token_id}. */
  public OptionalInt bos() {
    return bos;
  }

  /** {@code tokenizer.ggml.eos_token_id}. */
  public OptionalInt eos() {
    return eos;
  }

  /** {@code tokenizer.ggml.unknown_token_id}. */
  public OptionalInt unknown() {
    return unknown;
  }

  /** {@code tokenizer.ggml.padding_token_id}. */
  public OptionalInt padding() {
    return padding;
  }

  /** {@code tokenizer.ggml.add_bos_token}, false if absent. */
  public boolean addBos() {
    return addBos;
  }

  /** {@code tokenizer.ggml.add_eos_token}, false if absent. */
  public boolean addEos() {
    return addEos;
  }

  /** {@code tokenizer.chat_template}. */
  public Optional<String> chatTemplate() {
    return chatTemplates.standard();
  }

  /** {@code tokenizer.chat_template} and those of other names. */
  public ChatTemplates chatTemplates() {
    return chatTemplates;
  }

  /** Collects the values; what is not set is absent. */
  public static final class Builder {
    private final String where;
    private String model = "gpt2";
    private String pre = "";
    private List<String> tokens = List.of();
    private int[] tokenTypes = {};
    private List<String> merges = List.of();
    private OptionalInt bos = OptionalInt.empty();
    private OptionalInt eos = OptionalInt.empty();
    private OptionalInt unknown = OptionalInt.empty();
    private OptionalInt padding = OptionalInt.empty();
    private boolean addBos;
    private boolean addEos;
    private ChatTemplates chatTemplates = ChatTemplates.NONE;

    private Builder(String where) {
      this.where = where;
    }

    private Builder(TokenizerData data) {
      where = data.where;
      model = data.model;
      pre = data.pre;
      tokens = data.tokens;
      tokenTypes = data.tokenTypes;
      merges = data.merges;
      bos = data.bos;
      eos = data.eos;
      unknown = data.unknown;
      padding = data.padding;
      addBos = data.addBos;
      addEos = data.addEos;
      chatTemplates = data.chatTemplates;
    }

    /** Sets {@link TokenizerData#model()}; "gpt2" if this is not called. */
    public Builder model(String value) {
      model = value;
      return this;
    }

    /** Sets {@link TokenizerData#pre()}. */
    public Builder pre(String value) {
      pre = value;
      return this;
    }

    /**
     * Sets the tokens. The list is kept, not copied: it may decode its elements as they are asked
     * for, and must not change.
     */
    public Builder tokens(List<String> texts, int[] types) {
      tokens = texts;
      tokenTypes = types.clone();
      return this;
    }

    /** Sets tokens that are all of type {@link TokenType#NORMAL}. */
    public Builder tokens(List<String> texts) {
      int[] types = new int[texts.size()];
      Arrays.fill(types, TokenType.NORMAL.id());
      return tokens(texts, types);
    }

    /** Sets the merges; the list is kept, not copied. */
    public Builder merges(List<String> value) {
      merges = value;
      return this;
    }

    /** Sets {@link TokenizerData#bos()}. */
    public Builder bos(OptionalInt id) {
      bos = id;
      return this;
    }

    /** Sets {@link TokenizerData#eos()}. */
    public Builder eos(OptionalInt id) {
      eos = id;
      return this;
    }

    /** Sets {@link TokenizerData#unknown()}. */
    public Builder unknown(OptionalInt id) {
      unknown = id;
      return this;
    }

    /** Sets {@link TokenizerData#padding()}. */
    public Builder padding(OptionalInt id) {
      padding = id;
      return this;
    }

    /** Sets {@link TokenizerData#addBos()}. */
    public Builder addBos(boolean value) {
      addBos = value;
      return this;
    }

    /** Sets {@link TokenizerData#addEos()}. */
    public Builder addEos(boolean value) {
      addEos = value;
      return this;
    }

    /** Sets {@link TokenizerData#chatTemplates()}. */
    public Builder chatTemplates(ChatTemplates value) {
      chatTemplates = value;
      return this;
    }

    /**
     * The data.
     *
     * @throws FormatException if there are not as many types as tokens
     */
    public TokenizerData build() throws FormatException {
      if (tokenTypes.length != tokens.size()) {
        throw new FormatException(
            "%s: token_type: expected one for each of %d tokens, found %d"
                .formatted(where, tokens.size(), tokenTypes.length));
      }
      return new TokenizerData(this);
    }
  }
}
