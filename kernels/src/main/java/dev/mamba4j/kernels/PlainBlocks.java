package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.mamba4j.formats.tensor.NonlinearLevels;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Unpacks blocks of 32 weights with one scale, as {@link UnpackedRows} has it. The layouts are
 * those that the decoders in {@code formats.tensor} document.
 */
final class PlainBlocks {
  private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_128;
  private static final byte NIBBLE = 15;
  private static final ByteVector LEVELS = levels();

  private PlainBlocks() {}

  private static ByteVector levels() {
    byte[] levels = new byte[16];
    for (int code = 0; code < levels.length; code++) {
      levels[code] = (byte) NonlinearLevels.level(code);
    }
    return ByteVector.fromArray(BYTES, levels, 0);
  }

  static void unpackQ8_0(long from, int blocks, long quants, long scales) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 34L * block;
      Lanes.storeFloat(Lanes.address(scales) + 4L * block, Lanes.loadHalf(at));
      for (int i = 0; i < 32; i += BYTES.length()) {
        ByteVector.fromMemorySegment(BYTES, MEMORY, at + 2 + i, ORDER)
            .intoMemorySegment(MEMORY, Lanes.address(quants) + 32L * block + i, ORDER);
      }
    }
  }

  static void unpackQ4_0(long from, int blocks, long quants, long scales) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 18L * block;
      Lanes.storeFloat(Lanes.address(scales) + 4L * block, Lanes.loadHalf(at));
      unpackNibbles(at + 2, Lanes.address(quants) + 32L * block, (byte) 8);
    }
  }

  static void unpackQ4_1(long from, int blocks, long quants, long scales, long minimums) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 20L * block;
      Lanes.storeFloat(Lanes.address(scales) + 4L * block, Lanes.loadHalf(at));
      Lanes.storeFloat(Lanes.address(minimums) + 4L * block, Lanes.loadHalf(at + 2));
      unpackNibbles(at + 4, Lanes.address(quants) + 32L * block, (byte) 0);
    }
  }

  static void unpackQ5_0(long from, int blocks, long quants, long scales) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 22L * block;
      Lanes.storeFloat(Lanes.address(scales) + 4L * block, Lanes.loadHalf(at));
      unpackNibbles(at + 6, Lanes.address(quants) + 32L * block, (byte) 16);
      addFifthBits(Lanes.loadInt(at + 2), Lanes.address(quants) + 32L * block);
    }
  }

  static void unpackQ5_1(long from, int blocks, long quants, long scales, long minimums) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 24L * block;
      Lanes.storeFloat(Lanes.address(scales) + 4L * block, Lanes.loadHalf(at));
      Lanes.storeFloat(Lanes.address(minimums) + 4L * block, Lanes.loadHalf(at + 2));
      unpackNibbles(at + 8, Lanes.address(quants) + 32L * block, (byte) 0);
      addFifthBits(Lanes.loadInt(at + 4), Lanes.address(quants) + 32L * block);
    }
  }

  static void unpackIQ4_NL(long from, int blocks, long quants, long scales) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 18L * block;
      Lanes.storeFloat(Lanes.address(scales) + 4L * block, Lanes.loadHalf(at));
      unpackLevels(at + 2, Lanes.address(quants) + 32L * block);
    }
  }

  /** 16 bytes to 32 quants: all low nibbles, then all high ones, less an offset. */
  private static void unpackNibbles(long from, long quants, byte offset) {
    ByteVector bytes = ByteVector.fromMemorySegment(BYTES, MEMORY, from, ORDER);
    ByteVector low = bytes.and(NIBBLE);
    ByteVector high = bytes.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE);
    low.sub(offset).intoMemorySegment(MEMORY, quants, ORDER);
    high.sub(offset).intoMemorySegment(MEMORY, quants + 16, ORDER);
  }

  /** As {@link #unpackNibbles}, the nibbles being codes of levels. */
  static void unpackLevels(long from, long quants) {
    ByteVector bytes = ByteVector.fromMemorySegment(BYTES, MEMORY, from, ORDER);
    ByteVector low = bytes.and(NIBBLE);
    ByteVector high = bytes.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE);
    low.selectFrom(LEVELS).intoMemorySegment(MEMORY, quants, ORDER);
    high.selectFrom(LEVELS).intoMemorySegment(MEMORY, quants + 16, ORDER);
  }

  /** Adds 16 to each of 32 quants whose bit is set. */
  private static void addFifthBits(int bits, long quants) {
    for (int i = 0; i < 4; i++) {
      // Bit k of eight to byte k, then to the top of the byte: 0x7f + any bit has it set.
      long copies = ((bits >>> (8 * i)) & 0xff) * 0x0101010101010101L;
      long set = (copies & 0x8040201008040201L) + 0x7f7f7f7f7f7f7f7fL;
      long sixteens = (set & 0x8080808080808080L) >>> 3;
      long at = quants + 8L * i;
      Lanes.storeLong(at, addBytes(Lanes.loadLong(at), sixteens));
    }
  }

  /** Sums of eight bytes each without carries from one to the next. */
  private static long addBytes(long a, long b) {
    long top = 0x8080808080808080L;
    return ((a & ~top) + (b & ~top)) ^ ((a ^ b) & top);
  }
}
