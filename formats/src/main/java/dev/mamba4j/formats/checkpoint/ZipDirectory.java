package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;
import java.lang.foreign.MemorySegment;

/**
 * Where the central directory of a ZIP archive is, from the records at the end of the file.
 *
 * @param entries number of entries it claims
 * @param offset of its first byte in the file
 * @param size in bytes; the directory lies within the file
 */
record ZipDirectory(long entries, long offset, long size) {
  private static final long END = 0x06054b50L;
  private static final long ZIP64_LOCATOR = 0x07064b50L;
  private static final long ZIP64_END = 0x06064b50L;
  private static final int END_BYTES = 22;
  private static final int LOCATOR_BYTES = 20;
  private static final int ZIP64_END_BYTES = 56;
  private static final int MAX_COMMENT = 0xffff;

  /** Finds and checks the directory; ZIP64 values take precedence, and must agree. */
  static ZipDirectory find(MemorySegment file, String where) throws FormatException {
    long end = findEnd(file, where);
    ZipDirectory narrow =
        new ZipDirectory(
            LittleEndian.unsigned16(file, end + 10),
            LittleEndian.unsigned32(file, end + 16),
            LittleEndian.unsigned32(file, end + 12));
    long locator = end - LOCATOR_BYTES;
    boolean zip64 = locator >= 0 && LittleEndian.unsigned32(file, locator) == ZIP64_LOCATOR;
    ZipDirectory directory = zip64 ? wide(file, locator, where) : narrow;
    if (!narrow.agrees(directory)) {
      throw new FormatException(
          where + ": the ZIP64 record and the record at offset " + end + " contradict each other");
    }
    long limit = zip64 ? LittleEndian.int64(file, locator + 8) : end;
    if (directory.entries < 0
        || directory.offset < 0
        || directory.size < 0
        || directory.offset > limit
        || directory.size > limit - directory.offset) {
      throw new FormatException(
          where
              + ": ZIP directory of "
              + directory.size
              + " bytes at offset "
              + directory.offset
              + ": expected its end before offset "
              + limit
              + "; the file is cut short or damaged");
    }
    return directory;
  }

  long end() {
    return offset + size;
  }

  private static long findEnd(MemorySegment file, String where) throws FormatException {
    long last = file.byteSize() - END_BYTES;
    for (long at = last; at >= Math.max(0, last - MAX_COMMENT); at--) {
      if (LittleEndian.unsigned32(file, at) == END
          && LittleEndian.unsigned16(file, at + 20) == last - at) {
        return at;
      }
    }
    throw new FormatException(
        where + ": expected the ZIP directory at the end of the file; the file is cut short");
  }

  private static ZipDirectory wide(MemorySegment file, long locator, String where)
      throws FormatException {
    long at = LittleEndian.int64(file, locator + 8);
    if (at < 0
        || at > locator - ZIP64_END_BYTES
        || LittleEndian.unsigned32(file, at) != ZIP64_END) {
      throw new FormatException(where + ": expected a ZIP64 record at offset " + at);
    }
    return new ZipDirectory(
        LittleEndian.int64(file, at + 32),
        LittleEndian.int64(file, at + 48),
        LittleEndian.int64(file, at + 40));
  }

  private boolean agrees(ZipDirectory wide) {
    return (entries == wide.entries || entries == 0xffff)
        && (offset == wide.offset || offset == 0xffff_ffffL)
        && (size == wide.size || size == 0xffff_ffffL);
  }
}
