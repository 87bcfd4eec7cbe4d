package dev.mamba4j.formats.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * An array of strings, kept as its bytes in the file; a string is decoded when asked for. Bytes
 * that are not UTF-8 become U+FFFD.
 */
public final class GgufStrings extends AbstractList<String> implements GgufValue, RandomAccess {
  /** Bytes of the length before each string. */
  static final int LENGTH_BYTES = 8;

  private final byte[] encoded;
  private final int[] starts;

  /**
   * @param encoded the strings, each after its length
   * @param starts where the bytes of each string start, and of one more after the last
   */
  GgufStrings(byte[] encoded, int[] starts) {
    this.encoded = encoded;
    this.starts = starts;
  }

  /**
   * An array of these strings.
   *
   * @throws ArithmeticException if they take 2 GiB or more
   */
  public static GgufStrings of(List<String> values) {
    int[] starts = new int[values.size() + 1];
    starts[0] = LENGTH_BYTES;
    byte[][] utf8 = new byte[values.size()][];
    for (int i = 0; i < utf8.length; i++) {
      utf8[i] = values.get(i).getBytes(StandardCharsets.UTF_8);
      starts[i + 1] = Math.addExact(starts[i], utf8[i].length + LENGTH_BYTES);
    }
    ByteBuffer encoded = ByteBuffer.allocate(starts[utf8.length] - LENGTH_BYTES);
    encoded.order(ByteOrder.LITTLE_ENDIAN);
    for (byte[] bytes : utf8) {
      encoded.putLong(bytes.length).put(bytes);
    }
    return new GgufStrings(encoded.array(), starts);
  }

  @Override
  public GgufValueType type() {
    return GgufValueType.ARRAY;
  }

  @Override
  public int size() {
    return starts.length - 1;
  }

  @Override
  public String get(int index) {
    Objects.checkIndex(index, size());
    int start = starts[index];
    return GgufFormat.decode(encoded, start, starts[index + 1] - LENGTH_BYTES - start);
  }

  /** The bytes in the file, not to be changed. */
  byte[] encoded() {
    return encoded;
  }

  @Override
  public String toString() {
    return size() + " strings";
  }
}
