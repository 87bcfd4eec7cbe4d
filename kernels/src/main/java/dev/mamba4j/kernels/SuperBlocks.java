package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Unpacks blocks of 256 weights with scales of scales, as {@link UnpackedRows} has it. The layouts
 * are those that the decoders in {@code formats.tensor} document. Quants come from planes of 32
 * bytes, scales from words of eight.
 */
final class SuperBlocks {
  private static final VectorSpecies<Byte> BYTES =
      Lanes.COUNT >= 8 ? ByteVector.SPECIES_256 : ByteVector.SPECIES_128;

  private static final int PLANE = 32;
  private static final byte NIBBLE = 15;
  private static final long NIBBLES = 0x0f0f0f0f0f0f0f0fL;

  /** Two bits in each of four bytes. */
  private static final long PAIRS = 0x03030303L;

  private SuperBlocks() {}

  static void unpackQ2_K(long from, int blocks, long quants, long scales, long minimums) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 84L * block;
      float d = Lanes.loadHalf(at + 80);
      float dMin = Lanes.loadHalf(at + 82);
      for (int i = 0; i < 16; i += 8) {
        long packed = Lanes.loadLong(at + i);
        long target = 64L * block + 4L * i;
        Lanes.scaleBytes(packed & NIBBLES, d, Lanes.address(scales) + target);
        Lanes.scaleBytes((packed >>> 4) & NIBBLES, -dMin, Lanes.address(minimums) + target);
      }
      unpackPairs(at + 16, Lanes.address(quants) + 256L * block);
      unpackPairs(at + 16 + PLANE, Lanes.address(quants) + 256L * block + 128);
    }
  }

  /** A plane of 2-bit quants to 128 quants. */
  private static void unpackPairs(long from, long quants) {
    for (int i = 0; i < PLANE; i += BYTES.length()) {
      ByteVector pairs = ByteVector.fromMemorySegment(BYTES, MEMORY, from + i, ORDER);
      for (int j = 0; j < 4; j++) {
        pairs
            .reinterpretAsInts()
            .lanewise(LSHR, 2 * j)
            .reinterpretAsBytes()
            .and((byte) 3)
            .intoMemorySegment(MEMORY, quants + (long) PLANE * j + i, ORDER);
      }
    }
  }

  static void unpackQ3_K(long from, int blocks, long quants, long scales) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 110L * block;
      float d = Lanes.loadHalf(at + 108);
      long low = Lanes.loadLong(at + 96);
      long high = Lanes.loadInt(at + 104);
      for (int i = 0; i < 2; i++) {
        long upper = ((high & PAIRS) | (((high >>> 2) & PAIRS) << 32)) << 4;
        Lanes.scaleBytes(
            lessBy32((low & NIBBLES) | upper), d, Lanes.address(scales) + 64L * block + 32L * i);
        low >>>= 4;
        high >>>= 4;
      }
      for (int half = 0; half < 2; half++) {
        long plane = at + 32 + (long) PLANE * half;
        unpackTriples(plane, at, 4 * half, Lanes.address(quants) + 256L * block + 128L * half);
      }
    }
  }

  /** A plane of 2-bit quants, and the third bits from {@code firstBit} on, to 128 quants. */
  private static void unpackTriples(long pairs, long thirds, int firstBit, long quants) {
    for (int i = 0; i < PLANE; i += BYTES.length()) {
      ByteVector low = ByteVector.fromMemorySegment(BYTES, MEMORY, pairs + i, ORDER);
      ByteVector high = ByteVector.fromMemorySegment(BYTES, MEMORY, thirds + i, ORDER);
      for (int j = 0; j < 4; j++) {
        ByteVector third =
            high.reinterpretAsInts()
                .lanewise(LSHR, firstBit + j)
                .reinterpretAsBytes()
                .and((byte) 1)
                .reinterpretAsInts()
                .lanewise(LSHL, 2)
                .reinterpretAsBytes();
        low.reinterpretAsInts()
            .lanewise(LSHR, 2 * j)
            .reinterpretAsBytes()
            .and((byte) 3)
            .or(third)
            .sub((byte) 4)
            .intoMemorySegment(MEMORY, quants + (long) PLANE * j + i, ORDER);
      }
    }
  }

  static void unpackQ4_K(long from, int blocks, long quants, long scales, long minimums) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 144L * block;
      unpackScalesAndMinimums(
          at, Lanes.address(scales) + 32L * block, Lanes.address(minimums) + 32L * block);
      for (int pair = 0; pair < 4; pair++) {
        unpackNibbles(
            at + 16 + (long) PLANE * pair, Lanes.address(quants) + 256L * block + 64L * pair);
      }
    }
  }

  /** A plane of nibbles to 64 quants. */
  private static void unpackNibbles(long nibbles, long quants) {
    for (int i = 0; i < PLANE; i += BYTES.length()) {
      ByteVector bytes = ByteVector.fromMemorySegment(BYTES, MEMORY, nibbles + i, ORDER);
      ByteVector high =
          bytes.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE);
      bytes.and(NIBBLE).intoMemorySegment(MEMORY, quants + i, ORDER);
      high.intoMemorySegment(MEMORY, quants + PLANE + i, ORDER);
    }
  }

  static void unpackQ5_K(long from, int blocks, long quants, long scales, long minimums) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 176L * block;
      unpackScalesAndMinimums(
          at, Lanes.address(scales) + 32L * block, Lanes.address(minimums) + 32L * block);
      for (int pair = 0; pair < 4; pair++) {
        long nibbles = at + 48 + (long) PLANE * pair;
        unpackQuints(nibbles, at + 16, 2 * pair, Lanes.address(quants) + 256L * block + 64L * pair);
      }
    }
  }

  /** A plane of nibbles, and the fifth bits from {@code firstBit} on, to 64 quants. */
  private static void unpackQuints(long nibbles, long fifths, int firstBit, long quants) {
    for (int i = 0; i < PLANE; i += BYTES.length()) {
      ByteVector bytes = ByteVector.fromMemorySegment(BYTES, MEMORY, nibbles + i, ORDER);
      ByteVector bits =
          ByteVector.fromMemorySegment(BYTES, MEMORY, fifths + i, ORDER)
              .reinterpretAsInts()
              .lanewise(LSHR, firstBit)
              .reinterpretAsBytes();
      ByteVector first =
          bits.and((byte) 1).reinterpretAsInts().lanewise(LSHL, 4).reinterpretAsBytes();
      ByteVector second =
          bits.and((byte) 2).reinterpretAsInts().lanewise(LSHL, 3).reinterpretAsBytes();
      ByteVector high =
          bytes.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE);
      bytes.and(NIBBLE).or(first).intoMemorySegment(MEMORY, quants + i, ORDER);
      high.or(second).intoMemorySegment(MEMORY, quants + PLANE + i, ORDER);
    }
  }

  static void unpackQ6_K(long from, int blocks, long quants, long scales) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 210L * block;
      float d = Lanes.loadHalf(at + 208);
      Lanes.scaleBytes(Lanes.loadLong(at + 192), d, Lanes.address(scales) + 64L * block);
      Lanes.scaleBytes(Lanes.loadLong(at + 200), d, Lanes.address(scales) + 64L * block + 32);
      for (int half = 0; half < 2; half++) {
        long pairs = at + 128 + (long) PLANE * half;
        unpackSextets(at + 64L * half, pairs, Lanes.address(quants) + 256L * block + 128L * half);
      }
    }
  }

  /** Two planes of nibbles and one of upper pairs of bits to 128 quants. */
  private static void unpackSextets(long nibbles, long pairs, long quants) {
    for (int i = 0; i < PLANE; i += BYTES.length()) {
      ByteVector high = ByteVector.fromMemorySegment(BYTES, MEMORY, pairs + i, ORDER);
      for (int j = 0; j < 2; j++) {
        ByteVector bytes =
            ByteVector.fromMemorySegment(BYTES, MEMORY, nibbles + (long) PLANE * j + i, ORDER);
        ByteVector first =
            high.reinterpretAsInts()
                .lanewise(LSHR, 2 * j)
                .reinterpretAsBytes()
                .and((byte) 3)
                .reinterpretAsInts()
                .lanewise(LSHL, 4)
                .reinterpretAsBytes();
        ByteVector second =
            high.reinterpretAsInts().lanewise(LSHR, 2 * j).reinterpretAsBytes().and((byte) 48);
        long to = quants + (long) PLANE * j + i;
        bytes.and(NIBBLE).or(first).sub((byte) 32).intoMemorySegment(MEMORY, to, ORDER);
        bytes
            .reinterpretAsInts()
            .lanewise(LSHR, 4)
            .reinterpretAsBytes()
            .and(NIBBLE)
            .or(second)
            .sub((byte) 32)
            .intoMemorySegment(MEMORY, to + 2 * PLANE, ORDER);
      }
    }
  }

  static void unpackIQ4_XS(long from, int blocks, long quants, long scales) {
    for (int block = 0; block < blocks; block++) {
      long at = Lanes.address(from) + 136L * block;
      long low = Lanes.loadInt(at + 4);
      // Nibbles and pairs of bits spread out to a byte each, four bytes at a time.
      Lanes.scaleBytes(
          lessBy32(spreadNibbles(low) | (spreadPairs(Lanes.loadInt(at) >>> 16) << 4)),
          Lanes.loadHalf(at),
          Lanes.address(scales) + 32L * block);
      for (int group = 0; group < 8; group++) {
        PlainBlocks.unpackLevels(
            at + 8 + 16L * group, Lanes.address(quants) + 256L * block + 32L * group);
      }
    }
  }

  /** The eight nibbles of an int as bytes. */
  private static long spreadNibbles(long bits) {
    long spread = bits & 0xffffffffL;
    spread = (spread | (spread << 16)) & 0x0000ffff0000ffffL;
    spread = (spread | (spread << 8)) & 0x00ff00ff00ff00ffL;
    return (spread | (spread << 4)) & NIBBLES;
  }

  /** The eight pairs of bits of a short as bytes. */
  private static long spreadPairs(long bits) {
    long nibbles = bits & 0xffff;
    nibbles = (nibbles | (nibbles << 8)) & 0x00ff00ffL;
    nibbles = (nibbles | (nibbles << 4)) & 0x0f0f0f0fL;
    nibbles = (nibbles | (nibbles << 2)) & 0x33333333L;
    return spreadNibbles(nibbles);
  }

  /** Scales and minimums of 6 bits as in Q4_K and Q5_K, with d and dmin before them. */
  private static void unpackScalesAndMinimums(long block, long scales, long minimums) {
    long first = Lanes.loadInt(block + 4) & 0xffffffffL;
    long second = Lanes.loadInt(block + 8) & 0xffffffffL;
    long third = Lanes.loadInt(block + 12) & 0xffffffffL;
    long upperScales = (third & 0x0f0f0f0fL) | (((first >>> 6) & PAIRS) << 4);
    long upperMinimums = ((third >>> 4) & 0x0f0f0f0fL) | (((second >>> 6) & PAIRS) << 4);
    long packedScales = (first & 0x3f3f3f3fL) | (upperScales << 32);
    long packedMinimums = (second & 0x3f3f3f3fL) | (upperMinimums << 32);
    Lanes.scaleBytes(packedScales, Lanes.loadHalf(block), scales);
    Lanes.scaleBytes(packedMinimums, -Lanes.loadHalf(block + 2), minimums);
  }

  /** Takes 32 from each of eight bytes of 0 to 63. */
  private static long lessBy32(long bytes) {
    long top = 0x8080808080808080L;
    return ((bytes | top) - 0x2020202020202020L) ^ top;
  }
}
