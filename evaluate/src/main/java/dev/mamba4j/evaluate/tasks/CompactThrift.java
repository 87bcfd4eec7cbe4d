package dev.mamba4j.evaluate.tasks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads structs of Thrift's compact protocol, which the headers in Parquet files are, as maps from
 * the number of a field: whole numbers are longs, truth values Booleans, structs maps. Texts, lists
 * and reals are skipped.
 */
final class CompactThrift {
  private static final int MAX_DEPTH = 8;

  private final ByteBuffer in;

  CompactThrift(ByteBuffer in) {
    this.in = in;
  }

  /**
   * The struct at the position, which moves behind it.
   *
   * @throws IOException if this is no struct
   * @throws java.nio.BufferUnderflowException if it is cut short
   */
  Map<Integer, Object> struct() throws IOException {
    return struct(0);
  }

  private Map<Integer, Object> struct(int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw new IOException("a header of structs within structs without end");
    }
    Map<Integer, Object> fields = new HashMap<>();
    int number = 0;
    for (int header = in.get() & 0xff; header != 0; header = in.get() & 0xff) {
      int delta = header >> 4;
      number = delta == 0 ? (int) zigzag() : number + delta;
      fields.put(number, value(header & 15, depth));
    }
    return fields;
  }

  private Object value(int type, int depth) throws IOException {
    return switch (type) {
      case 1, 2 -> type == 1;
      case 3 -> (long) in.get();
      case 4, 5, 6 -> zigzag();
      case 7 -> skip(Double.BYTES);
      case 8 -> skip(varint());
      case 9, 10 -> list(depth);
      case 12 -> struct(depth + 1);
      default -> throw new IOException("a header with a field of the unknown type " + type);
    };
  }

  private Object list(int depth) throws IOException {
    int header = in.get() & 0xff;
    long size = header >> 4 == 15 ? varint() : header >> 4;
    int type = header & 15;
    for (long i = 0; i < size; i++) {
      Object _ = type <= 2 ? skip(1) : value(type, depth + 1);
    }
    return false;
  }

  private Object skip(long bytes) {
    in.get(new byte[Math.clamp(bytes, 0, in.remaining() + 1)]);
    return false;
  }

  private long zigzag() {
    long bits = varint();
    return (bits >>> 1) ^ -(bits & 1);
  }

  /** A number in groups of 7 bits, the lowest first. */
  long varint() {
    long bits = 0;
    int shift = 0;
    byte group;
    do {
      group = in.get();
      bits |= (long) (group & 0x7f) << shift;
      shift += 7;
    } while (group < 0 && shift < Long.SIZE);
    return bits;
  }
}
