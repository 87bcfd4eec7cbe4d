package dev.mamba4j.engine.tokenizer;

import dev.mamba4j.formats.FormatException;
import java.util.Arrays;

/** The tokens of a model by id and by text. */
final class Vocabulary {
  private final String[] texts;
  private final TokenType[] types;
  private final int[] slots;
  private final int paddingStart;

  /**
   * The tokens of a tokenizer. Of two tokens with one text the later is found by it, as in
   * llama.cpp.
   *
   * @throws FormatException if there is none, or a type is unknown
   */
  Vocabulary(TokenizerData data) throws FormatException {
    texts = data.tokens().toArray(String[]::new);
    if (texts.length == 0) {
      throw new FormatException(data.where() + ": tokens: expected at least one, found none");
    }
    types = types(data);
    paddingStart = paddingStart();
    slots = new int[Integer.highestOneBit(texts.length) << 2];
    Arrays.fill(slots, -1);
    for (int id = 0; id < paddingStart; id++) {
      slots[slot(texts[id])] = id;
    }
  }

  private static TokenType[] types(TokenizerData data) throws FormatException {
    TokenType[] types = new TokenType[data.tokens().size()];
    for (int id = 0; id < types.length; id++) {
      types[id] = TokenType.of(data.tokenType(id));
      if (types[id] == null) {
        throw new FormatException(
            "%s: token_type of token %d: expected 1 to 6, found %d"
                .formatted(data.where(), id, data.tokenType(id)));
      }
    }
    return types;
  }

  private int paddingStart() {
    int end = texts.length;
    while (end > 0
        && (types[end - 1] == TokenType.USER_DEFINED || types[end - 1] == TokenType.UNUSED)
        && texts[end - 1].equals(TokenizerData.paddingText(end - 1))) {
      end--;
    }
    return end;
  }

  /** How many ids there are, padding included. */
  int paddedSize() {
    return texts.length;
  }

  /** How many ids there are before the padding. */
  int size() {
    return paddingStart;
  }

  /** The text of a token, in the byte alphabet if it is a normal one. */
  String text(int id) {
    return texts[id];
  }

  TokenType type(int id) {
    return types[id];
  }

  /** The id of the token with a text, or -1. */
  int id(String text) {
    return slots[slot(text)];
  }

  /** For each byte the id of its token, or -1. */
  int[] byteIds() {
    int[] ids = new int[256];
    for (int value = 0; value < ids.length; value++) {
      ids[value] = id(Character.toString(ByteAlphabet.character(value)));
    }
    return ids;
  }

  private int slot(String text) {
    int hash = text.hashCode() * 0x9E3779B9;
    int slot = (hash ^ (hash >>> 15)) & (slots.length - 1);
    while (slots[slot] >= 0 && !texts[slots[slot]].equals(text)) {
      slot = (slot + 1) & (slots.length - 1);
    }
    return slot;
  }
}
