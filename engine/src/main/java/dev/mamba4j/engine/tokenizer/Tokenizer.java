package dev.mamba4j.engine.tokenizer;

import dev.mamba4j.formats.FormatException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * Byte-level BPE. Text is cut at control tokens (only if asked), normalized (NFC, only where the
 * model was trained so), cut at user-defined tokens, cut into words by the pattern of GPT-2, and
 * each word is merged from its bytes. The order and all results are those of the Hugging Face
 * library.
 *
 * <p>Immutable, and safe to share among threads.
 */
public final class Tokenizer {
  /** Values of {@code tokenizer.ggml.pre} whose tokenizers take text as it is. */
  private static final List<String> PLAIN = List.of("gpt-2");

  /**
   * Values whose tokenizers (GPT-NeoX and what was made from it) normalize to NFC first. llama.cpp
   * leaves that out; the models were trained with it.
   */
  private static final List<String> NORMALIZING = List.of("mpt", "gpt-neox", "olmo");

  private static final char REPLACEMENT = '\uFFFD';

  private final TokenizerData data;
  private final Vocabulary vocabulary;
  private final boolean normalizes;
  private final AddedTokens controlTokens;
  private final AddedTokens userTokens;
  private final int[] byteIds;
  private final Merges merges;
  private final WordCache cache = new WordCache();

  private Tokenizer(TokenizerData data) throws FormatException {
    this.data = data;
    normalizes = normalizes(data);
    vocabulary = new Vocabulary(data);
    checkId(data.bos(), "bos_token_id");
    checkId(data.eos(), "eos_token_id");
    checkId(data.unknown(), "unknown_token_id");
    checkId(data.padding(), "padding_token_id");
    controlTokens = addedTokens(this::isControl, UnaryOperator.identity());
    userTokens =
        addedTokens(
            id -> tokenType(id) == TokenType.USER_DEFINED,
            normalizes ? Nfc::normalize : UnaryOperator.identity());
    byteIds = vocabulary.byteIds();
    merges = new Merges(data, vocabulary);
  }

  /**
   * Makes the tokenizer that a file describes.
   *
   * @throws FormatException if it is none of those supported, or its parts do not fit together
   */
  public static Tokenizer of(TokenizerData data) throws FormatException {
    return new Tokenizer(data);
  }

  /** The tokenizer of GPT-NeoX-20B; see {@link TokenizerData#gptNeoX()}. */
  public static Tokenizer gptNeoX() {
    return NeoX.TOKENIZER;
  }

  /**
   * The tokens of a text, and nothing before or after them.
   *
   * @param text unpaired surrogates count as U+FFFD
   * @param parseSpecial whether the text of a control token, such as {@code <|endoftext|>}, becomes
   *     that token; else it is text like any other
   */
  public int[] encode(CharSequence text, boolean parseSpecial) {
    BitSet plain = new BitSet();
    plain.set(0, parseSpecial ? 0 : text.length());
    return encode(text, plain);
  }

  /**
   * The tokens of a text parts of which are not to be trusted.
   *
   * @param text unpaired surrogates count as U+FFFD
   * @param plain indexes of the chars that are text whatever they look like: no control token is
   *     made of them
   */
  public int[] encode(CharSequence text, BitSet plain) {
    char[] chars = wellFormed(text);
    TokenIds target = new TokenIds(chars.length / 3);
    encode(chars, plain, target);
    return target.toArray();
  }

  /**
   * The tokens of a text as the model expects a whole one: {@link #encode} between the tokens that
   * begin and end a text, each if the file asks for it.
   */
  public int[] encodeDocument(CharSequence text, boolean parseSpecial) {
    IntStream begin = data.addBos() ? data.bos().stream() : IntStream.empty();
    IntStream end = data.addEos() ? data.eos().stream() : IntStream.empty();
    IntStream tokens = IntStream.of(encode(text, parseSpecial));
    return IntStream.concat(IntStream.concat(begin, tokens), end).toArray();
  }

  /**
   * The bytes that tokens stand for. Control tokens give their text; padding gives nothing.
   *
   * @throws IllegalArgumentException if there is no such id
   */
  public byte[] decodeBytes(int... ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(4 * ids.length);
    for (int id : ids) {
      bytes.writeBytes(tokenBytes(id));
    }
    return bytes.toByteArray();
  }

  /** The text that tokens stand for: {@link #decodeBytes} as UTF-8, U+FFFD for what is none. */
  public String decode(int... ids) {
    return new String(decodeBytes(ids), StandardCharsets.UTF_8);
  }

  /** A new decoder for tokens that come one by one. */
  public StreamingDecoder streamingDecoder() {
    return new StreamingDecoder(this);
  }

  /** How many tokens there are. Ids from here to {@link #paddedSize()} are never to be sampled. */
  public int vocabularySize() {
    return vocabulary.size();
  }

  /** How many ids there are, with those that only fill up the embeddings. */
  public int paddedSize() {
    return vocabulary.paddedSize();
  }

  /** The token as the file has it: normal ones in the byte alphabet, {@code Ġthe} for " the". */
  public String tokenText(int id) {
    return vocabulary.text(check(id));
  }

  /** The bytes that a token stands for; none for an id that is padding or unused. */
  public byte[] tokenBytes(int id) {
    return switch (tokenType(id)) {
      case NORMAL, BYTE -> ByteAlphabet.decode(vocabulary.text(id));
      case UNUSED -> new byte[0];
      case CONTROL, UNKNOWN, USER_DEFINED ->
          id < vocabularySize()
              ? vocabulary.text(id).getBytes(StandardCharsets.UTF_8)
              : new byte[0];
    };
  }

  /** What kind of token an id is. */
  public TokenType tokenType(int id) {
    return vocabulary.type(check(id));
  }

  /** Whether a token is a mark rather than text. */
  public boolean isControl(int id) {
    TokenType type = tokenType(id);
    return type == TokenType.CONTROL || type == TokenType.UNKNOWN;
  }

  /** The id of the token with a text as {@link #tokenText} gives it. */
  public OptionalInt tokenId(String text) {
    int id = vocabulary.id(text);
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** The token that begins a text. */
  public OptionalInt bos() {
    return data.bos();
  }

  /** Whether a whole text begins with {@link #bos()}. */
  public boolean addsBos() {
    return data.addBos() && data.bos().isPresent();
  }

  /** The token that ends a text. */
  public OptionalInt eos() {
    return data.eos();
  }

  /** The template by which a conversation becomes text. */
  public Optional<String> chatTemplate() {
    return data.chatTemplate();
  }

  /** That template and those of other names. */
  public ChatTemplates chatTemplates() {
    return data.chatTemplates();
  }

  private void encode(char[] text, BitSet plain, TokenIds target) {
    WordEncoder words = new WordEncoder(byteIds, merges, cache);
    int begin = 0; // of the text since the last control token
    int at = 0;
    while (at < text.length) {
      int from = Math.min(text.length, plain.nextClearBit(at));
      int to = plain.nextSetBit(from);
      int limit = to < 0 ? text.length : Math.min(text.length, to);
      at = controlTokens.find(text, from, limit);
      if (at < limit) {
        encodeText(text, begin, at, words, target);
        begin = controlTokens.end(text, at, limit);
        target.add(controlTokens.id(text, at, begin));
        at = begin;
      }
    }
    encodeText(text, begin, text.length, words, target);
  }

  private void encodeText(char[] text, int from, int to, WordEncoder words, TokenIds target) {
    if (normalizes && !Nfc.isPlain(text, from, to)) {
      char[] normalized = Nfc.normalize(new String(text, from, to - from)).toCharArray();
      encodeNormalized(normalized, 0, normalized.length, words, target);
    } else {
      encodeNormalized(text, from, to, words, target);
    }
  }

  private void encodeNormalized(char[] text, int from, int to, WordEncoder words, TokenIds target) {
    int at = from;
    while (at < to) {
      int gap = userTokens.find(text, at, to);
      while (at < gap) {
        int end = PreTokenizer.wordEnd(text, at, gap);
        words.encode(text, at, end, target);
        at = end;
      }
      if (gap < to) {
        at = userTokens.end(text, gap, to);
        target.add(userTokens.id(text, gap, at));
      }
    }
  }

  private static char[] wellFormed(CharSequence text) {
    char[] chars = text.toString().toCharArray();
    for (int i = 0; i < chars.length; i++) {
      if (Character.isSurrogate(chars[i])) {
        if (i + 1 < chars.length && Character.isSurrogatePair(chars[i], chars[i + 1])) {
          i++;
        } else {
          chars[i] = REPLACEMENT;
        }
      }
    }
    return chars;
  }

  private AddedTokens addedTokens(IntPredicate kind, UnaryOperator<String> form) {
    int[] ids = IntStream.range(0, vocabularySize()).filter(kind).toArray();
    return new AddedTokens(
        IntStream.of(ids).mapToObj(vocabulary::text).map(form).toArray(String[]::new), ids);
  }

  private int check(int id) {
    if (id < 0 || id >= paddedSize()) {
      throw new IllegalArgumentException(
          "token id %d: expected 0 to %d".formatted(id, paddedSize() - 1));
    }
    return id;
  }

  private void checkId(OptionalInt id, String key) throws FormatException {
    if (id.isPresent() && (id.getAsInt() < 0 || id.getAsInt() >= paddedSize())) {
      throw new FormatException(
          "%s: tokenizer.ggml.%s: expected an id below %d, found %d"
              .formatted(data.where(), key, paddedSize(), id.getAsInt()));
    }
  }

  private static boolean normalizes(TokenizerData data) throws FormatException {
    if (!data.model().equals("gpt2")) {
      throw new FormatException(
          "%s: tokenizer.ggml.model: expected gpt2 (byte-level BPE), found \"%s\""
              .formatted(data.where(), data.model()));
    }
    if (!PLAIN.contains(data.pre()) && !NORMALIZING.contains(data.pre())) {
      throw new FormatException(
          "%s: tokenizer.ggml.pre: expected one of %s, found \"%s\""
              .formatted(
                  data.where(),
                  String.join(", ", PLAIN) + ", " + String.join(", ", NORMALIZING),
                  data.pre()));
    }
    return NORMALIZING.contains(data.pre());
  }

  private static final class NeoX {
    static final Tokenizer TOKENIZER = create();

    private static Tokenizer create() {
      try {
        return of(TokenizerData.gptNeoX());
      } catch (FormatException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
