package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a safetensors file: eight bytes with the length of the header, the header as JSON, then the
 * values of all tensors without a gap.
 *
 * <p>Checks are those of the format's description and of its reference implementation (<a
 * href="https://github.com/huggingface/safetensors">huggingface/safetensors</a>): the header has at
 * most 100 MB and begins with a brace, no name comes twice, every tensor has the bytes that its
 * type and shape ask for, and together they cover the rest of the file, without holes and overlaps.
 */
final class SafetensorsFile {
  private static final long MAX_HEADER = 100_000_000;
  private static final int LENGTH_BYTES = 8;
  private static final String METADATA = "__metadata__";

  private final MappedFile file;
  private final String where;
  private final MemorySegment data;
  private final JsonObject header;

  private SafetensorsFile(MappedFile file) throws IOException {
    this.file = file;
    this.where = file.path().toString();
    long length = headerLength();
    MemorySegment text = file.bytes().asSlice(LENGTH_BYTES, length);
    if (LittleEndian.int8(text, 0) != '{') {
      throw new FormatException(
          where + ": header at offset 8: expected \"{\"; this is not a safetensors file");
    }
    this.header = BoundedJson.read(text, where);
    this.data = file.bytes().asSlice(LENGTH_BYTES + length);
  }

  /** The tensors of a file, in the order of their values. */
  static Shard read(MappedFile file) throws IOException {
    SafetensorsFile reader = new SafetensorsFile(file);
    return new Shard(reader.tensors(), reader.metadata());
  }

  private long headerLength() throws FormatException {
    long available = file.bytes().byteSize() - LENGTH_BYTES;
    if (available < 0) {
      throw new FormatException(
          where + ": expected 8 bytes of header length, the file has " + file.bytes().byteSize());
    }
    long length = LittleEndian.int64(file.bytes(), 0);
    if (length < 2 || length > MAX_HEADER) {
      throw new FormatException(
          where
              + ": header length at offset 0: expected 2 to "
              + MAX_HEADER
              + ", found "
              + Long.toUnsignedString(length)
              + "; this is not a safetensors file");
    }
    if (length > available) {
      throw new FormatException(
          where
              + ": header length at offset 0: "
              + length
              + " bytes, but only "
              + available
              + " follow; the file is cut short");
    }
    return length;
  }

  private Map<String, String> metadata() throws FormatException {
    Map<String, String> metadata = new LinkedHashMap<>();
    if (header.fields().containsKey(METADATA)) {
      for (Map.Entry<String, Object> entry : header.object(METADATA).fields().entrySet()) {
        if (!(entry.getValue() instanceof String text)) {
          throw new FormatException(
              where + ": " + METADATA + ": expected a string under " + Quoted.of(entry.getKey()));
        }
        metadata.put(entry.getKey(), text);
      }
    }
    return metadata;
  }

  private Map<String, CheckpointTensor> tensors() throws FormatException {
    List<CheckpointTensor> found = new ArrayList<>();
    long end = 0;
    for (Entry entry : sortedEntries()) {
      if (entry.begin != end) {
        throw new FormatException(
            where(entry.name)
                + ": expected its data at offset "
                + end
                + " behind the header, found "
                + entry.begin
                + (entry.begin < end ? ", an overlap" : ", a hole"));
      }
      end = entry.end;
      if (end > data.byteSize()) {
        throw new FormatException(
            where(entry.name)
                + ": its data end at offset "
                + end
                + " behind the header, but only "
                + data.byteSize()
                + " bytes follow; the file is cut short");
      }
      found.add(tensor(entry));
    }
    if (end != data.byteSize()) {
      throw new FormatException(
          where
              + ": expected the end of the file behind the last tensor, found "
              + (data.byteSize() - end)
              + " bytes");
    }
    Map<String, CheckpointTensor> tensors = LinkedHashMap.newLinkedHashMap(found.size());
    found.forEach(tensor -> tensors.put(tensor.name(), tensor));
    return tensors;
  }

  private List<Entry> sortedEntries() throws FormatException {
    List<Entry> entries = new ArrayList<>();
    for (String name : header.fields().keySet()) {
      if (!name.equals(METADATA)) {
        Quoted.checkedName(name, where);
        entries.add(entry(name, header.object(name)));
      }
    }
    entries.sort(Comparator.<Entry>comparingLong(e -> e.begin).thenComparingLong(e -> e.end));
    return entries;
  }

  private Entry entry(String name, JsonObject fields) throws FormatException {
    long[] offsets = sizes(name, fields, "data_offsets");
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw new FormatException(where(name) + ": data_offsets: expected a begin and an end");
    }
    return new Entry(name, fields, offsets[0], offsets[1]);
  }

  private CheckpointTensor tensor(Entry entry) throws FormatException {
    String typeName = entry.fields.string("dtype");
    DataType type =
        DataType.ofSafetensors(typeName)
            .orElseThrow(
                () ->
                    new FormatException(
                        where(entry.name)
                            + ": type "
                            + Quoted.of(typeName)
                            + " is not supported; save it as F32, F16 or BF16"));
    long[] shape = sizes(entry.name, entry.fields, "shape");
    long size = entry.end - entry.begin;
    if (!fills(size, type, shape)) {
      throw new FormatException(
          where(entry.name)
              + ": its data have "
              + size
              + " bytes, which is not what "
              + type
              + " of shape "
              + Shapes.text(shape)
              + " takes");
    }
    return CheckpointTensor.contiguous(
        entry.name, type, shape, data.asSlice(entry.begin, size), file.path());
  }

  private static boolean fills(long size, DataType type, long[] shape) {
    try {
      return size == Math.multiplyExact(Shapes.elements(shape), (long) type.bytes());
    } catch (ArithmeticException e) {
      return false;
    }
  }

  private long[] sizes(String name, JsonObject fields, String field) throws FormatException {
    List<?> list = fields.list(field);
    return Shapes.of(list, where(name) + ": " + field);
  }

  private String where(String tensor) {
    return where + ": tensor \"" + tensor + "\"";
  }

  /** A tensor whose offsets are read, not yet compared with its shape. */
  private record Entry(String name, JsonObject fields, long begin, long end) {}
}
