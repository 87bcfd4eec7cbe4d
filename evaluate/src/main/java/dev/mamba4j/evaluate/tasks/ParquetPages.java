package dev.mamba4j.evaluate.tasks;

import dev.hardwood.InputFile;
import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.ColumnMetaData;
import dev.hardwood.metadata.CompressionCodec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * The pages of a column, looked at before they are read. The native library for Snappy (1.1.10)
 * writes as many bytes as the compressed ones say, whatever room there is: in a broken file, over
 * the memory behind.
 */
final class ParquetPages {
  /** A page's header holds an example of its values, up to 4 KiB with common writers. */
  private static final int LARGEST_HEADER = 1 << 16;

  private final InputFile file;
  private final ColumnMetaData column;
  private final long start;

  ParquetPages(InputFile file, ColumnChunk chunk) {
    this.file = file;
    column = chunk.metaData();
    start = chunk.chunkStartOffset();
  }

  /**
   * Checks that pages lie within their column and are as long, unpacked, as they claim.
   *
   * @param rows as many values there must be at least
   */
  void check(long rows) throws IOException {
    if (column.numValues() < rows) { // the library makes up the rest
      throw new IOException(
          "column %s has %d values for %d rows"
              .formatted(column.pathInSchema(), column.numValues(), rows));
    }
    long end = start + column.totalCompressedSize();
    long values = 0;
    for (long at = start; at < end; ) {
      ByteBuffer bytes = file.readRange(at, (int) Math.min(LARGEST_HEADER, end - at)).slice();
      Map<Integer, Object> header = new CompactThrift(bytes).struct();
      long data = at + bytes.position();
      long length = number(header, 3);
      if (length < 0 || length > end - data) {
        throw new IOException(
            "column %s has a page of %d bytes at %d, but ends at %d"
                .formatted(column.pathInSchema(), length, data, end));
      }
      if (column.codec() == CompressionCodec.SNAPPY) {
        checkLength(header, data, length);
      }
      values += values(header);
      at = data + length;
    }
    if (values != column.numValues()) {
      throw new IOException(
          "column %s has %d values in its pages, expected %d"
              .formatted(column.pathInSchema(), values, column.numValues()));
    }
  }

  /** How many values a page has: fields 5 and 8 are the headers of data pages, v1 and v2. */
  private static long values(Map<Integer, Object> header) throws IOException {
    for (int kind : new int[] {5, 8}) {
      if (header.get(kind) instanceof Map<?, ?> data) {
        return number(data, 1);
      }
    }
    return 0; // a dictionary
  }

  /** The levels of a page in v2 stand before what is compressed. */
  private void checkLength(Map<Integer, Object> header, long data, long length) throws IOException {
    long levels = 0;
    if (header.get(8) instanceof Map<?, ?> v2) {
      if (Boolean.FALSE.equals(v2.get(7))) {
        return; // not compressed
      }
      levels = number(v2, 5) + number(v2, 6);
    }
    long unpacked = number(header, 2) - levels;
    if (unpacked == 0 && levels == length) {
      return;
    }
    long says =
        new CompactThrift(file.readRange(data + levels, (int) (length - levels)).slice()).varint();
    if (says != unpacked) {
      throw new IOException(
          "column %s has a page of %d bytes unpacked, expected %d"
              .formatted(column.pathInSchema(), says, unpacked));
    }
  }

  private static long number(Map<?, ?> fields, int field) throws IOException {
    if (fields.get(field) instanceof Long number) {
      return number;
    }
    throw new IOException("a page has no field " + field + " in its header");
  }
}
