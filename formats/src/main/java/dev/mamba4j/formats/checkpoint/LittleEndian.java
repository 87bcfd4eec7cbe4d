package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Little-endian numbers at any byte of a file. */
final class LittleEndian {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private LittleEndian() {}

  static byte int8(MemorySegment bytes, long offset) {
    return bytes.get(ValueLayout.JAVA_BYTE, offset);
  }

  static short int16(MemorySegment bytes, long offset) {
    return bytes.get(TensorType.LITTLE_ENDIAN_SHORT, offset);
  }

  static int unsigned16(MemorySegment bytes, long offset) {
    return Short.toUnsignedInt(int16(bytes, offset));
  }

  static int int32(MemorySegment bytes, long offset) {
    return bytes.get(INT, offset);
  }

  static long unsigned32(MemorySegment bytes, long offset) {
    return Integer.toUnsignedLong(int32(bytes, offset));
  }

  static long int64(MemorySegment bytes, long offset) {
    return bytes.get(LONG, offset);
  }
}
