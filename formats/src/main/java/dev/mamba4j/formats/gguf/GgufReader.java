package dev.mamba4j.formats.gguf;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads the head of a GGUF file and checks all of it against the file. */
final class GgufReader {
  /** Key length, one character, type, one byte. */
  private static final int LEAST_KEY_VALUE_BYTES = 8 + 1 + 4 + 1;

  /** Name length, one character, dimension count, one dimension, type, offset. */
  private static final int LEAST_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8;

  /** Element type and length. */
  private static final int LEAST_ARRAY_BYTES = 4 + 8;

  private final Path file;
  private final MemorySegment bytes;
  private final GgufCursor in;
  private int nestedArrays;

  /** What a file holds. */
  record Contents(GgufMetadata metadata, List<GgufTensor> tensors) {}

  /** A tensor and where its data lies, counted from the start of all data. */
  private record Place(GgufTensorInfo info, long offset) {
    long end() {
      return offset + info.byteSize();
    }
  }

  private GgufReader(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
    this.in = new GgufCursor(file, bytes);
  }

  static Contents read(Path file, MemorySegment bytes) throws FormatException {
    return new GgufReader(file, bytes).contents();
  }

  private Contents contents() throws FormatException {
    magic();
    version();
    int tensorCount = in.count("tensors", LEAST_TENSOR_BYTES, GgufFormat.MAX_ENTRIES);
    int valueCount = in.count("key/values", LEAST_KEY_VALUE_BYTES, GgufFormat.MAX_ENTRIES);
    GgufMetadata metadata = metadata(valueCount);
    int alignment;
    try {
      alignment = metadata.alignment();
    } catch (IllegalArgumentException e) {
      throw new FormatException(file + ": " + e.getMessage(), e);
    }
    List<Place> places = places(tensorCount, alignment);
    long start = GgufFormat.align(in.position(), alignment);
    checkPlaces(places, start);
    List<GgufTensor> tensors = new ArrayList<>(tensorCount);
    for (Place place : places) {
      long size = place.info.byteSize();
      tensors.add(new GgufTensor(place.info, bytes.asSlice(start + place.offset, size)));
    }
    return new Contents(metadata, Collections.unmodifiableList(tensors));
  }

  private void magic() throws FormatException {
    in.subject("magic");
    if (bytes.byteSize() < 4 || in.u32() != GgufFormat.MAGIC) {
      throw in.error(0, "\"GGUF\"", OtherFile.describe(bytes));
    }
  }

  private void version() throws FormatException {
    in.subject("version");
    long at = in.position();
    int version = in.u32();
    if (version == 1) {
      throw in.error(at, "2 or 3", "1; convert the original checkpoint again");
    }
    if (version != 0 && (version & 0xffff) == 0) {
      throw in.error(
          at,
          "2 or 3",
          Integer.reverseBytes(version)
              + " in big-endian order; big-endian files are not supported, use the little-endian"
              + " one or convert the original checkpoint again");
    }
    if (version != 2 && version != 3) {
      throw in.error(
          at,
          "2 or 3",
          Integer.toUnsignedString(version) + "; the file is damaged or newer than this program");
    }
    in.subject("header");
  }

  private GgufMetadata metadata(int count) throws FormatException {
    Map<String, GgufValue> values = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      in.subject("key/value " + i);
      long at = in.position();
      String key = in.name("key", GgufFormat.MAX_KEY_BYTES);
      in.subject("key " + GgufFormat.quote(key));
      if (values.containsKey(key)) {
        throw in.error(at, "a key that is not yet there", "it a second time");
      }
      values.put(key, value(type()));
    }
    return new GgufMetadata(file.toString(), values);
  }

  private GgufValueType type() throws FormatException {
    long at = in.position();
    int id = in.u32();
    return GgufValueType.ofId(id)
        .orElseThrow(() -> in.error(at, "a value type from 0 to 12", Integer.toUnsignedString(id)));
  }

  private GgufValue value(GgufValueType type) throws FormatException {
    return switch (type) {
      case STRING -> new GgufValue.Text(in.text());
      case ARRAY -> array(1);
      default -> scalar(new GgufNumbers(type, numbers(type, 1)));
    };
  }

  private static GgufValue scalar(GgufNumbers one) {
    return switch (one.elementType()) {
      case FLOAT32 -> new GgufValue.Float32(one.float32(0));
      case FLOAT64 -> new GgufValue.Float64(one.float64(0));
      case BOOL -> new GgufValue.Bool(one.integer(0) != 0);
      default -> new GgufValue.Whole(one.elementType(), one.integer(0));
    };
  }

  private GgufValue array(int depth) throws FormatException {
    GgufValueType type = type();
    return switch (type) {
      case STRING -> strings();
      case ARRAY -> nested(depth);
      default -> {
        int count = in.count("elements", type.bytes(), Integer.MAX_VALUE);
        yield new GgufNumbers(type, numbers(type, count));
      }
    };
  }

  private byte[] numbers(GgufValueType type, int count) throws FormatException {
    long at = in.position();
    byte[] numbers = in.take((long) count * type.bytes());
    if (type == GgufValueType.BOOL) {
      for (int i = 0; i < numbers.length; i++) {
        if (numbers[i] != 0 && numbers[i] != 1) {
          throw in.error(at + i, "0 or 1 for a bool", Integer.toString(numbers[i] & 0xff));
        }
      }
    }
    return numbers;
  }

  private GgufStrings strings() throws FormatException {
    int count = in.count("strings", GgufStrings.LENGTH_BYTES, Integer.MAX_VALUE - 1);
    long from = in.position();
    int[] starts = new int[count + 1];
    starts[0] = GgufStrings.LENGTH_BYTES;
    for (int i = 1; i <= count; i++) {
      in.skipText();
      starts[i] = (int) (in.position() - from) + GgufStrings.LENGTH_BYTES;
    }
    return new GgufStrings(in.copy(from, in.position()), starts);
  }

  private GgufValue.Nested nested(int depth) throws FormatException {
    long at = in.position();
    if (depth == GgufFormat.MAX_ARRAY_DEPTH) {
      throw in.error(at, "arrays at most " + depth + " deep", "deeper ones");
    }
    int most = GgufFormat.MAX_ENTRIES - nestedArrays;
    int count = in.count("nested arrays", LEAST_ARRAY_BYTES, most);
    nestedArrays += count;
    List<GgufValue> values = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      values.add(array(depth + 1));
    }
    return new GgufValue.Nested(values);
  }

  private List<Place> places(int count, int alignment) throws FormatException {
    List<Place> places = new ArrayList<>(count);
    Set<String> names = new HashSet<>();
    for (int i = 0; i < count; i++) {
      in.subject("tensor " + i);
      long at = in.position();
      String name = in.name("tensor name", GgufFormat.MAX_TENSOR_NAME_BYTES);
      in.subject("tensor " + GgufFormat.quote(name));
      if (!names.add(name)) {
        throw in.error(at, "a name that is not yet there", "it a second time");
      }
      GgufTensorInfo info = info(name);
      long offsetAt = in.position();
      long offset = in.u64();
      if (offset < 0 || offset % alignment != 0) {
        throw in.error(
            offsetAt,
            "a data offset that is a multiple of " + alignment,
            Long.toUnsignedString(offset));
      }
      places.add(new Place(info, offset));
    }
    return places;
  }

  private GgufTensorInfo info(String name) throws FormatException {
    long at = in.position();
    int dimensionCount = in.u32();
    if (dimensionCount < 1 || dimensionCount > GgufFormat.MAX_DIMENSIONS) {
      throw in.error(
          at,
          "1 to " + GgufFormat.MAX_DIMENSIONS + " dimensions",
          Integer.toUnsignedString(dimensionCount));
    }
    long[] dimensions = new long[dimensionCount];
    for (int i = 0; i < dimensionCount; i++) {
      dimensions[i] = in.u64();
    }
    long typeAt = in.position();
    int id = in.u32();
    TensorType type =
        TensorType.ofId(id)
            .orElseThrow(
                () ->
                    in.error(
                        typeAt,
                        "the number of a tensor type of ggml",
                        Integer.toUnsignedString(id)
                            + "; the file is damaged or newer than this program"));
    try {
      return new GgufTensorInfo(name, type, dimensions);
    } catch (IllegalArgumentException e) {
      throw new FormatException("%s: at offset %d: %s".formatted(file, at, e.getMessage()), e);
    }
  }

  /** Checks that each tensor lies within the file and none in another's place. */
  private void checkPlaces(List<Place> places, long start) throws FormatException {
    long available = Math.max(0, bytes.byteSize() - start);
    for (Place place : places) {
      long size = place.info.byteSize();
      if (size > available || place.offset > available - size) {
        throw new FormatException(
            "%s: tensor \"%s\" at offset %s: expected %d bytes of data, found the end of the file"
                    .formatted(
                        file, place.info.name(), Long.toUnsignedString(start + place.offset), size)
                + " at %d; it is cut off, fetch or write it again".formatted(bytes.byteSize()));
      }
    }
    List<Place> sorted = new ArrayList<>(places);
    sorted.sort(Comparator.comparingLong(Place::offset));
    for (int i = 1; i < sorted.size(); i++) {
      Place before = sorted.get(i - 1);
      Place place = sorted.get(i);
      if (place.offset < before.end()) {
        throw new FormatException(
            "%s: tensor \"%s\" at offset %d: expected data of its own, found that of \"%s\""
                .formatted(file, place.info.name(), start + place.offset, before.info.name()));
      }
    }
  }
}
