package dev.mamba4j.formats.gguf;

import java.nio.charset.StandardCharsets;

/**
 * What the layout of GGUF fixes, and the limits that keep a hostile file from taking all memory.
 */
final class GgufFormat {
  /** The bytes {@code GGUF}, read as a little-endian number. */
  static final int MAGIC = 0x46554747;

  static final int VERSION = 3;
  static final String ALIGNMENT_KEY = "general.alignment";
  static final int DEFAULT_ALIGNMENT = 32;

  /** The specification's limit. */
  static final int MAX_KEY_BYTES = 65_535;

  /** ggml keeps a name in 64 bytes, the last of which is zero. */
  static final int MAX_TENSOR_NAME_BYTES = 63;

  static final int MAX_DIMENSIONS = 4;

  /** Everything before the tensor data; real files with 256 thousand tokens have 20 MiB. */
  static final long MAX_HEADER_BYTES = 128L << 20;

  /** Most key/values, most tensors, and most arrays within arrays; each costs some heap. */
  static final int MAX_ENTRIES = 1 << 16;

  /** How deep arrays may be nested in arrays. */
  static final int MAX_ARRAY_DEPTH = 8;

  private GgufFormat() {}

  /** The first multiple of the alignment at or after an offset. */
  static long align(long offset, long alignment) {
    return (offset + alignment - 1) / alignment * alignment;
  }

  /**
   * Checks a key or a tensor name: printable ASCII without spaces.
   *
   * @throws IllegalArgumentException if it is anything else
   */
  static String checkName(String kind, String name, int maxBytes) {
    boolean printable = name.chars().allMatch(c -> c > ' ' && c < 0x7f);
    if (name.isEmpty() || name.length() > maxBytes || !printable) {
      throw new IllegalArgumentException(
          "%s: expected 1 to %d printable ASCII characters, found %s"
              .formatted(kind, maxBytes, quote(name)));
    }
    return name;
  }

  /** A text in quotes, on one line and not longer than a line. */
  static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    text.codePoints()
        .limit(60)
        .forEach(
            c -> {
              if (Character.isISOControl(c) || Character.getType(c) == Character.LINE_SEPARATOR) {
                quoted.append("\\u%04x".formatted(c));
              } else {
                quoted.appendCodePoint(c);
              }
            });
    return quoted.append(text.codePointCount(0, text.length()) > 60 ? "…\"" : "\"").toString();
  }

  /** The text that bytes of a file stand for; what is not UTF-8 becomes U+FFFD. */
  static String decode(byte[] bytes, int from, int count) {
    return new String(bytes, from, count, StandardCharsets.UTF_8);
  }
}
