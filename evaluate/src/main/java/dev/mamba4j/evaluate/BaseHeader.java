package dev.mamba4j.evaluate;

import dev.mamba4j.formats.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What comes before the rows in a file of {@link BaseProbabilities}.
 *
 * @param window tokens of a window
 * @param vocabulary probabilities in a row
 * @param windows number of windows
 */
record BaseHeader(int window, int vocabulary, int windows) {
  private static final byte[] MAGIC = "_logits_".getBytes(StandardCharsets.US_ASCII);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int TOKENS = MAGIC.length + 3 * Integer.BYTES;

  /** Beyond any model and any text, and small enough that sizes do not overflow. */
  private static final int LARGEST = 1 << 26;

  static BaseHeader read(MemorySegment data, String where) throws FormatException {
    if (data.byteSize() < TOKENS
        || data.asSlice(0, MAGIC.length).mismatch(MemorySegment.ofArray(MAGIC)) >= 0) {
      throw new FormatException(
          where
              + ": expected a file of llama-perplexity's --kl-divergence-base, which begins with"
              + " _logits_");
    }
    BaseHeader header =
        new BaseHeader(
            positive(data, 8, "the window", where),
            positive(data, 12, "the vocabulary", where),
            positive(data, 16, "the number of windows", where));
    double size = header.byteSize();
    if (data.byteSize() != size) {
      throw new FormatException(
          "%s: expected %.0f bytes (%d windows of %d tokens, %d probabilities each), found %d"
              .formatted(
                  where, size, header.windows, header.window, header.vocabulary, data.byteSize()));
    }
    return header;
  }

  private static int positive(MemorySegment data, long offset, String what, String where)
      throws FormatException {
    int value = data.get(INT, offset);
    if (value < 1 || value > LARGEST) {
      throw new FormatException(
          "%s: byte %d: %s: expected 1 to %d, found %d"
              .formatted(where, offset, what, LARGEST, value));
    }
    return value;
  }

  /** The header and the tokens, as a file begins. */
  MemorySegment toBytes(int[] tokens) {
    byte[] bytes = new byte[Math.toIntExact(firstRow())];
    MemorySegment data = MemorySegment.ofArray(bytes);
    MemorySegment.copy(MAGIC, 0, data, ValueLayout.JAVA_BYTE, 0, MAGIC.length);
    data.set(INT, 8, window);
    data.set(INT, 12, vocabulary);
    data.set(INT, 16, windows);
    MemorySegment.copy(tokens, 0, data, INT, TOKENS, tokens.length);
    return data;
  }

  int[] tokens(MemorySegment data) {
    return data.asSlice(TOKENS, (long) Integer.BYTES * window * windows).toArray(INT);
  }

  /** How many rows a window has. */
  int scored() {
    return TextWindows.scored(window);
  }

  /** Offset of the rows. */
  long firstRow() {
    return TOKENS + (long) Integer.BYTES * window * windows;
  }

  /** Of the whole file; a double, since a damaged header may ask for anything. */
  private double byteSize() {
    return firstRow() + (double) windows * scored() * ProbabilityRow.bytes(vocabulary);
  }
}
