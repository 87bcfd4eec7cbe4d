package dev.mamba4j.engine.tokenizer;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Reads {@code tokenizer.json} as the Hugging Face library writes it. Only what {@link Tokenizer}
 * does exactly so is accepted; every other setting is an error. The settings for truncating and
 * padding a batch are left out: they are not part of the tokenizer.
 */
final class TokenizerJson {
  /** Four times the largest vocabulary in use, so that no lying id makes a giant table. */
  private static final int MAX_TOKENS = 1 << 20;

  private static final int LAST_BYTE_OF_UTF8 = 0xF4;

  private final JsonObject root;
  private final JsonObject model;
  private final boolean normalizes;
  private String[] tokens = {};
  private int[] types = {};

  private TokenizerJson(JsonObject root) throws FormatException {
    this.root = root;
    model = root.object("model");
    normalizes = normalizes();
  }

  static TokenizerData read(Path file) throws IOException {
    TokenizerJson json = new TokenizerJson(Json.read(file));
    json.checkModel();
    json.checkPreTokenizer();
    json.checkDecoder();
    json.readVocabulary();
    json.checkUnknownToken();
    json.readAddedTokens();
    json.fillHoles();
    return json.data(SpecialTokens.read(file, json.root, json::id));
  }

  private TokenizerData data(SpecialTokens special) throws FormatException {
    return TokenizerData.builder(root.where())
        .pre(normalizes ? "mpt" : "gpt-2")
        .tokens(List.of(tokens), types)
        .merges(merges())
        .bos(special.bos())
        .eos(special.eos())
        .unknown(special.unknown())
        .padding(special.padding())
        .addBos(special.addBos())
        .addEos(special.addEos())
        .chatTemplates(special.chatTemplates())
        .build();
  }

  private void checkModel() throws FormatException {
    expect(model, "type", "BPE", null);
    expect(model, "dropout", null, 0.0, 0L);
    expect(model, "continuing_subword_prefix", null, "");
    expect(model, "end_of_word_suffix", null, "");
    expect(model, "byte_fallback", null, false);
    expect(model, "ignore_merges", null, false);
  }

  private boolean normalizes() throws FormatException {
    if (!root.has("normalizer")) {
      return false;
    }
    JsonObject normalizer = only(root.object("normalizer"), "normalizers");
    expect(normalizer, "type", "NFC");
    return true;
  }

  private void checkPreTokenizer() throws FormatException {
    JsonObject preTokenizer = only(root.object("pre_tokenizer"), "pretokenizers");
    expect(preTokenizer, "type", "ByteLevel");
    expect(preTokenizer, "add_prefix_space", false);
    expect(preTokenizer, "use_regex", null, true);
  }

  private void checkDecoder() throws FormatException {
    expect(only(root.object("decoder"), "decoders"), "type", "ByteLevel");
  }

  /** A sequence of one step is that step. */
  private static JsonObject only(JsonObject step, String listName) throws FormatException {
    if (!step.string("type").equals("Sequence")) {
      return step;
    }
    List<?> steps = step.list(listName);
    if (steps.size() != 1) {
      throw new FormatException(
          "%s: %s: expected one step, found %d".formatted(step.where(), listName, steps.size()));
    }
    return JsonObject.of(step.where() + ": " + listName + "[0]", steps.getFirst());
  }

  private void readVocabulary() throws FormatException {
    JsonObject vocabulary = model.object("vocab");
    for (String text : vocabulary.fields().keySet()) {
      put(vocabulary, text, vocabulary.integer(text), TokenType.NORMAL);
    }
  }

  /** The unknown token stands for bytes without a token; it is never used where there are none. */
  private void checkUnknownToken() throws FormatException {
    if (!model.has("unk_token")) {
      return;
    }
    JsonObject vocabulary = model.object("vocab");
    for (int value = 0; value <= LAST_BYTE_OF_UTF8; value++) {
      boolean occurs = value != 0xC0 && value != 0xC1;
      if (occurs && !vocabulary.has(Character.toString(ByteAlphabet.character(value)))) {
        throw new FormatException(
            "%s: field \"unk_token\": not supported where a byte has no token, found none for 0x%02X"
                .formatted(model.where(), value));
      }
    }
  }

  private void readAddedTokens() throws FormatException {
    if (!root.has("added_tokens")) {
      return;
    }
    List<?> added = root.list("added_tokens");
    JsonObject vocabulary = model.object("vocab");
    for (int i = 0; i < added.size(); i++) {
      JsonObject token =
          JsonObject.of("%s: added_tokens[%d]".formatted(root.where(), i), added.get(i));
      expect(token, "single_word", null, false);
      expect(token, "lstrip", null, false);
      expect(token, "rstrip", null, false);
      boolean special = token.bool("special", false);
      String content = token.string("content");
      checkOrder(token, special, content);
      if (vocabulary.has(content)) {
        expect(token, "id", vocabulary.fields().get(content));
        types[(int) token.integer("id")] = -1;
      }
      put(
          token,
          content,
          token.integer("id"),
          special ? TokenType.CONTROL : TokenType.USER_DEFINED);
    }
  }

  /**
   * {@code normalized} says whether a token is looked for after normalization. A GGUF file cannot
   * say so; {@link Tokenizer} looks for control tokens before and for the others after. Blank text
   * is the same before and after.
   */
  private void checkOrder(JsonObject token, boolean special, String content)
      throws FormatException {
    if (normalizes && !content.isBlank()) {
      expect(token, "normalized", !special);
    }
  }

  private void put(JsonObject where, String text, long id, TokenType type) throws FormatException {
    if (id < 0 || id >= MAX_TOKENS) {
      throw new FormatException(
          "%s: id of \"%s\": expected 0 to %d, found %d"
              .formatted(where.where(), text, MAX_TOKENS - 1, id));
    }
    int index = (int) id;
    if (index >= tokens.length) {
      int size = Math.min(MAX_TOKENS, Math.max(index + 1, tokens.length * 2));
      tokens = Arrays.copyOf(tokens, size);
      types = Arrays.copyOf(types, size);
    }
    if (tokens[index] != null && types[index] > 0) {
      throw new FormatException(
          "%s: id of \"%s\": expected one of its own, found %d, which is \"%s\""
              .formatted(where.where(), text, id, tokens[index]));
    }
    tokens[index] = text;
    types[index] = type.id();
  }

  /** Ids that no token has are named as llama.cpp's converter names them. */
  private void fillHoles() {
    int size = tokens.length;
    while (size > 0 && tokens[size - 1] == null) {
      size--;
    }
    tokens = Arrays.copyOf(tokens, size);
    types = Arrays.copyOf(types, size);
    for (int id = 0; id < size; id++) {
      if (tokens[id] == null) {
        tokens[id] = TokenizerData.paddingText(id);
        types[id] = TokenType.UNUSED.id();
      }
    }
  }

  private OptionalInt id(String text) {
    int id = Arrays.asList(tokens).indexOf(text);
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** Merges as "left right"; files have them so or as pairs. */
  private List<String> merges() throws FormatException {
    List<?> source = model.list("merges");
    List<String> merges = new ArrayList<>(source.size());
    Set<String> seen = HashSet.newHashSet(source.size());
    for (int i = 0; i < source.size(); i++) {
      String merge =
          switch (source.get(i)) {
            case String text -> text;
            case List<?> pair when pair.size() == 2 -> pair.getFirst() + " " + pair.getLast();
            case null, default -> "";
          };
      if (merge.indexOf(' ') <= 0 || merge.indexOf(' ') != merge.lastIndexOf(' ')) {
        throw new FormatException(
            "%s: merges[%d]: expected two tokens without spaces, found %s"
                .formatted(model.where(), i, Json.write(source.get(i))));
      }
      if (!seen.add(merge)) {
        throw new FormatException(
            "%s: merges[%d]: expected each pair once, found \"%s\" again"
                .formatted(model.where(), i, merge));
      }
      merges.add(merge);
    }
    return merges;
  }

  /** Checks that a field has one of some values; null among them allows its absence. */
  static void expect(JsonObject object, String field, Object... allowed) throws FormatException {
    Object value = object.fields().get(field);
    List<Object> values = Arrays.asList(allowed);
    if (!values.contains(value)) {
      throw new FormatException(
          "%s: field \"%s\": expected %s, found %s; other settings are not supported"
              .formatted(
                  object.where(),
                  field,
                  String.join(" or ", values.stream().map(Json::write).toList()),
                  Json.write(value)));
    }
  }
}
