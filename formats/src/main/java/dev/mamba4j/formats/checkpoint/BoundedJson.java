package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * JSON of a mapped file, read without a copy. A text of a few bytes per value can take twenty times
 * its size as Java objects, so the number of values is bounded before the text is parsed: enough
 * for 80,000 tensors in a file, and little enough for a heap of 256 MiB.
 */
final class BoundedJson {
  private static final int MAX_BYTES = 32 << 20;

  /** Every value of JSON stands behind one of these: a bracket, a comma or a colon. */
  private static final int MAX_MARKS = 1 << 20;

  private BoundedJson() {}

  /** The object that the bytes hold. */
  static JsonObject read(MemorySegment text, String where) throws IOException {
    if (text.byteSize() > MAX_BYTES) {
      throw new FormatException(
          where
              + ": JSON of "
              + text.byteSize()
              + " bytes, expected at most "
              + MAX_BYTES
              + "; no checkpoint needs so many");
    }
    long marks = 0;
    for (long i = 0; i < text.byteSize(); i++) {
      byte c = LittleEndian.int8(text, i);
      if (c == '[' || c == '{' || c == ',' || c == ':') {
        marks++;
      }
    }
    if (marks > MAX_MARKS) {
      throw new FormatException(
          where + ": JSON of more than " + MAX_MARKS + " values; no checkpoint needs so many");
    }
    return JsonObject.of(where, Json.parse(new SegmentStream(text), where));
  }

  private static final class SegmentStream extends InputStream {
    private final MemorySegment bytes;
    private long position;

    SegmentStream(MemorySegment bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return position == bytes.byteSize()
          ? -1
          : Byte.toUnsignedInt(LittleEndian.int8(bytes, position++));
    }

    @Override
    public int read(byte[] target, int at, int length) {
      int count = (int) Math.min(length, bytes.byteSize() - position);
      if (count == 0 && length > 0) {
        return -1;
      }
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, position, target, at, count);
      position += count;
      return count;
    }
  }
}
