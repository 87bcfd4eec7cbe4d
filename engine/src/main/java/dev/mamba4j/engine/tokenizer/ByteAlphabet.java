package dev.mamba4j.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The alphabet in which byte-level BPE writes its tokens: one printable character for each byte
 * (GPT-2, {@code bytes_to_unicode}). Bytes that print in Latin-1 stand for themselves; the other 68
 * are U+0100 to U+0143, in their order. A space is written Ġ, a line feed Ċ.
 */
final class ByteAlphabet {
  private static final int SIZE = 0x144;
  private static final char[] CHARACTERS = new char[256];
  private static final short[] BYTES = new short[SIZE];

  static {
    Arrays.fill(BYTES, (short) -1);
    char next = 0x100;
    for (int value = 0; value < 256; value++) {
      boolean prints =
          (value > ' ' && value <= '~') || (value >= 0xA1 && value <= 0xFF && value != 0xAD);
      CHARACTERS[value] = prints ? (char) value : next++;
      BYTES[CHARACTERS[value]] = (short) value;
    }
  }

  private ByteAlphabet() {}

  /** The character for a byte, 0 to 255. */
  static char character(int value) {
    return CHARACTERS[value];
  }

  /** The byte that a character stands for, or -1 if it is not of this alphabet. */
  static int value(char character) {
    return character < SIZE ? BYTES[character] : -1;
  }

  /**
   * The bytes that a token stands for. A token with any character outside the alphabet stands for
   * its own UTF-8, as in the Hugging Face library.
   */
  static byte[] decode(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      int value = value(token.charAt(i));
      if (value < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }
}
