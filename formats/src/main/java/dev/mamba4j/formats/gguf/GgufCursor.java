package dev.mamba4j.formats.gguf;

import dev.mamba4j.formats.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;

/**
 * Reads the head of a GGUF file value by value. Nothing is read, and nothing allocated, before the
 * bytes that are left have been checked.
 */
final class GgufCursor {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path file;
  private final MemorySegment bytes;
  private final long end;
  private long position;
  private String subject = "header";

  GgufCursor(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
    this.end = Math.min(bytes.byteSize(), GgufFormat.MAX_HEADER_BYTES);
  }

  /** Names what is read from here on, for messages. */
  void subject(String name) {
    subject = name;
  }

  long position() {
    return position;
  }

  int u32() throws FormatException {
    return bytes.get(INT, advance(4));
  }

  long u64() throws FormatException {
    return bytes.get(LONG, advance(8));
  }

  /**
   * Reads how many items follow.
   *
   * @param leastBytes the fewest bytes that an item takes
   */
  int count(String items, int leastBytes, int most) throws FormatException {
    long at = position;
    long count = u64();
    if (Long.compareUnsigned(count, (end - position) / leastBytes) > 0) {
      throw error(
          at,
          "at most %d %s in the %d bytes that follow"
              .formatted((end - position) / leastBytes, items, end - position),
          Long.toUnsignedString(count) + cutOff());
    }
    if (count > most) {
      throw error(at, "at most " + most + " " + items, Long.toString(count));
    }
    return (int) count;
  }

  /** Reads a name of printable ASCII. */
  String name(String kind, int maxBytes) throws FormatException {
    long at = position;
    byte[] name = take(count("characters", 1, maxBytes));
    try {
      return GgufFormat.checkName(
          kind + " at offset " + at, GgufFormat.decode(name, 0, name.length), maxBytes);
    } catch (IllegalArgumentException e) {
      throw new FormatException(file + ": " + e.getMessage(), e);
    }
  }

  /** Reads the bytes of a string. */
  byte[] text() throws FormatException {
    return take(textLength());
  }

  /** Passes over a string. */
  void skipText() throws FormatException {
    long _ = advance(textLength());
  }

  private int textLength() throws FormatException {
    return count("bytes of a string", 1, Integer.MAX_VALUE);
  }

  /** Reads bytes as they are. */
  byte[] take(long count) throws FormatException {
    return copy(advance(count), position);
  }

  /** The bytes between two positions that have been passed. */
  byte[] copy(long from, long to) {
    return bytes.asSlice(from, to - from).toArray(ValueLayout.JAVA_BYTE);
  }

  /** Moves on and gives the position before. */
  private long advance(long count) throws FormatException {
    if (count > end - position) {
      throw error(position, count + " more bytes", (end - position) + cutOff());
    }
    long before = position;
    position += count;
    return before;
  }

  private String cutOff() {
    return end < bytes.byteSize()
        ? "; all metadata must lie within the first " + GgufFormat.MAX_HEADER_BYTES + " bytes"
        : "; the file is cut off or damaged, fetch or write it again";
  }

  FormatException error(long offset, String expected, String found) {
    return new FormatException(
        "%s: %s at offset %d: expected %s, found %s"
            .formatted(file, subject, offset, expected, found));
  }
}
