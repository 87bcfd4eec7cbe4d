package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The entries of a ZIP archive that compresses nothing, as slices of the mapped file. PyTorch
 * writes such archives.
 *
 * <p>Source: PKWARE's APPNOTE 6.3, with ZIP64. {@code java.util.zip} gives streams, not offsets, so
 * it cannot be used here. The central directory rules; every local header is compared with it, and
 * no entry may reach into another one. Checksums are not compared: that would read the whole file,
 * and PyTorch can be told not to compute them.
 */
final class StoredZip {
  private static final long LOCAL_HEADER = 0x04034b50L;
  private static final long CENTRAL_HEADER = 0x02014b50L;
  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_BYTES = 46;
  private static final int MAX_ENTRIES = 200_000;
  private static final int MAX_DIRECTORY = 64 << 20;
  private static final int ENCRYPTED = 1;
  private static final int SIZES_FOLLOW = 1 << 3;
  private static final int ZIP64 = 1;
  private static final long IN_ZIP64 = 0xffff_ffffL;

  private final MemorySegment file;
  private final String where;

  private StoredZip(MappedFile file) {
    this.file = file.bytes();
    this.where = file.path().toString();
  }

  /** The content of every entry by its name, in the order of the central directory. */
  static Map<String, MemorySegment> read(MappedFile file) throws FormatException {
    return new StoredZip(file).entries();
  }

  /** Whether the bytes begin as a ZIP archive does. */
  static boolean isZip(MemorySegment bytes) {
    return bytes.byteSize() >= 4 && LittleEndian.unsigned32(bytes, 0) == LOCAL_HEADER;
  }

  private Map<String, MemorySegment> entries() throws FormatException {
    ZipDirectory directory = ZipDirectory.find(file, where);
    if (directory.entries() > Math.min(MAX_ENTRIES, directory.size() / CENTRAL_BYTES)
        || directory.size() > MAX_DIRECTORY) {
      throw new FormatException(
          where
              + ": central directory at offset "
              + directory.offset()
              + ": "
              + directory.entries()
              + " entries in "
              + directory.size()
              + " bytes are not possible or beyond any checkpoint");
    }
    List<Entry> entries = new ArrayList<>();
    long at = directory.offset();
    for (long i = 0; i < directory.entries(); i++) {
      at = readCentral(at, directory.end(), entries);
    }
    refuseOverlaps(entries, directory.offset());
    Map<String, MemorySegment> contents = LinkedHashMap.newLinkedHashMap(entries.size());
    for (Entry entry : entries) {
      if (contents.put(entry.name, file.asSlice(entry.data, entry.size)) != null) {
        throw new FormatException(where(entry.name) + " is there twice");
      }
    }
    return contents;
  }

  /** Adds the entry whose central header is at an offset and returns where the next one is. */
  private long readCentral(long at, long end, List<Entry> entries) throws FormatException {
    if (end - at < CENTRAL_BYTES || LittleEndian.unsigned32(file, at) != CENTRAL_HEADER) {
      throw new FormatException(where + ": expected a header of the ZIP directory at offset " + at);
    }
    int flags = LittleEndian.unsigned16(file, at + 8);
    int method = LittleEndian.unsigned16(file, at + 10);
    int nameBytes = LittleEndian.unsigned16(file, at + 28);
    int extraBytes = LittleEndian.unsigned16(file, at + 30);
    int commentBytes = LittleEndian.unsigned16(file, at + 32);
    long next = at + CENTRAL_BYTES + nameBytes + extraBytes + commentBytes;
    if (next > end) {
      throw new FormatException(
          where + ": ZIP header at offset " + at + " reaches beyond the ZIP directory");
    }
    String name = name(at + CENTRAL_BYTES, nameBytes);
    if ((flags & ENCRYPTED) != 0) {
      throw new FormatException(where(name) + " is encrypted");
    }
    if (method != 0) {
      throw new FormatException(
          where(name)
              + " is compressed (ZIP method "
              + method
              + "), but torch.save stores entries as they are; unpack the archive and pack it"
              + " again with zip -0, or load it in PyTorch and torch.save it again");
    }
    long[] values = {
      LittleEndian.unsigned32(file, at + 24), // size of the content
      LittleEndian.unsigned32(file, at + 20), // size in the archive
      LittleEndian.unsigned32(file, at + 42) // offset of the local header
    };
    fillFromZip64(values, at + CENTRAL_BYTES + nameBytes, extraBytes, name);
    if (values[0] != values[1]) {
      throw new FormatException(
          where(name) + ": sizes " + values[0] + " and " + values[1] + " differ, but it is stored");
    }
    entries.add(checkLocal(name, at, flags, values[0], values[2]));
    return next;
  }

  /** Replaces values that say "see the ZIP64 field" by those of the field, in its order. */
  private void fillFromZip64(long[] values, long extra, int extraBytes, String name)
      throws FormatException {
    long field = zip64Field(extra, extraBytes);
    long fieldEnd = field < 0 ? 0 : field + LittleEndian.unsigned16(file, field - 2);
    for (int i = 0; i < values.length; i++) {
      if (values[i] == IN_ZIP64) {
        if (field < 0 || fieldEnd - field < Long.BYTES) {
          throw new FormatException(where(name) + ": its ZIP64 sizes are missing");
        }
        values[i] = LittleEndian.int64(file, field);
        field += Long.BYTES;
      }
    }
  }

  /** Offset of the content of the ZIP64 field in a header's extra fields, or -1. */
  private long zip64Field(long extra, int extraBytes) {
    long end = extra + extraBytes;
    long at = extra;
    while (end - at >= 4) {
      int size = LittleEndian.unsigned16(file, at + 2);
      if (LittleEndian.unsigned16(file, at) == ZIP64 && size <= end - at - 4) {
        return at + 4;
      }
      at += 4 + size;
    }
    return -1;
  }

  private Entry checkLocal(String name, long central, int flags, long size, long at)
      throws FormatException {
    if (at < 0 || at > central - LOCAL_BYTES || LittleEndian.unsigned32(file, at) != LOCAL_HEADER) {
      throw new FormatException(where(name) + ": expected its ZIP header at offset " + at);
    }
    int nameBytes = LittleEndian.unsigned16(file, at + 26);
    int extraBytes = LittleEndian.unsigned16(file, at + 28);
    long data = at + LOCAL_BYTES + nameBytes + extraBytes;
    if (data > central || !name.equals(name(at + LOCAL_BYTES, nameBytes))) {
      throw new FormatException(
          where(name) + ": its ZIP header at offset " + at + " has another name");
    }
    if (LittleEndian.unsigned16(file, at + 6) != flags
        || LittleEndian.unsigned16(file, at + 8) != 0) {
      throw new FormatException(
          where(name)
              + ": its ZIP header at offset "
              + at
              + " has other flags or another method than the directory");
    }
    long[] sizes = {LittleEndian.unsigned32(file, at + 22), LittleEndian.unsigned32(file, at + 18)};
    fillFromZip64(sizes, at + LOCAL_BYTES + nameBytes, extraBytes, name);
    boolean sizesFollow = (flags & SIZES_FOLLOW) != 0;
    for (long local : sizes) {
      if (local != size && !(sizesFollow && local == 0)) {
        throw new FormatException(
            where(name)
                + ": its ZIP header at offset "
                + at
                + " has size "
                + local
                + ", the directory "
                + size);
      }
    }
    if (size < 0 || size > central - data) {
      throw new FormatException(
          where(name) + ": " + size + " bytes at offset " + data + " reach beyond the file's data");
    }
    return new Entry(name, at, data, size);
  }

  private void refuseOverlaps(List<Entry> entries, long directory) throws FormatException {
    List<Entry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparingLong(Entry::header));
    for (int i = 0; i < sorted.size(); i++) {
      Entry entry = sorted.get(i);
      long limit = i + 1 < sorted.size() ? sorted.get(i + 1).header : directory;
      if (entry.data + entry.size > limit) {
        throw new FormatException(
            where(entry.name)
                + ": "
                + entry.size
                + " bytes at offset "
                + entry.data
                + " overlap what begins at offset "
                + limit);
      }
    }
  }

  private String name(long at, int bytes) {
    return new String(
        file.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  private String where(String entry) {
    return where + ": ZIP entry " + Quoted.of(entry);
  }

  /** Where an entry is in the file: its local header, its content. */
  private record Entry(String name, long header, long data, long size) {}
}
