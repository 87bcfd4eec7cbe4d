package dev.mamba4j.kernels;

import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.OR;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors of the preferred width and how memory becomes vectors of floats.
 *
 * <p>Addresses are absolute, into a segment over all memory, so that the compiler drops the checks
 * of bounds and liveness from inner loops. Callers check ranges once, before the loop. The compiler
 * must see that an address is within that segment: see {@link #address}.
 *
 * <p>A vector that crosses a call that is not inlined goes through the heap. The methods of the
 * Vector API are always inlined; ours are not where the compiler has inlined much already (C2's
 * NodeCountInliningCutoff). So methods take and give addresses, not vectors, where they can.
 */
final class Lanes {
  /** Of the width that the processor has, or, for tests, one that a property names. */
  static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(
          float.class,
          VectorShape.forBitSize(
              Integer.getInteger(
                  "mamba4j.vectorBits", FloatVector.SPECIES_PREFERRED.vectorBitSize())));

  static final int COUNT = FLOATS.length();

  /** Whether a group of 16 is whole vectors, and a quarter of a vector can be loaded. */
  static final boolean USABLE = COUNT >= 4 && 16 % COUNT == 0;

  /** All of memory. */
  static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  /** Larger than any address, and small enough that offsets added to it do not overflow. */
  private static final long ADDRESSES = Long.MAX_VALUE >>> 3;

  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);
  static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);

  private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  static final VectorSpecies<Short> SHORTS = FLOATS.withLanes(short.class);
  static final VectorSpecies<Long> LONGS = FLOATS.withLanes(long.class);
  private static final VectorSpecies<Short> HALF_SHORTS = narrower(2, short.class);
  private static final VectorSpecies<Byte> QUARTER_BYTES = narrower(4, byte.class);

  /** For four lanes: how far byte i of an int is from the bottom of lane i. */
  private static final IntVector BYTE_DISTANCE =
      IntVector.fromArray(IntVector.SPECIES_128, new int[] {0, 8, 16, 24}, 0);

  /** 2^112 takes a half's exponent bias of 15 to a float's of 127. */
  private static final float HALF_REBIAS = 0x1p112f;

  /** The first half of the lanes of a vector, each twice, and the second. */
  private static final VectorShuffle<Float> LOWER_TWICE =
      VectorShuffle.fromOp(FLOATS, lane -> lane / 2);

  private static final VectorShuffle<Float> UPPER_TWICE =
      VectorShuffle.fromOp(FLOATS, lane -> (COUNT + lane) / 2);

  private static final float LOG2_E = (float) (1 / Math.log(2));

  /**
   * ln 2 in two parts: the first has so few bits that its products with small integers are exact.
   */
  private static final float LN2_HIGH = 0x1.63p-1f;

  private static final float LN2_LOW = (float) (Math.log(2) - LN2_HIGH);

  /** Adding 1.5 × 2^23 leaves the nearest whole number in the low bits of the mantissa. */
  private static final float ROUND = 0x1.8p23f;

  /** Below this e^x is not a normal number. */
  private static final float EXP_MIN = -87;

  /** Below this e^-x is near infinity. */
  private static final float SILU_MIN = -88;

  private Lanes() {}

  /** Vectors of as many narrower elements as there are floats; null where there are none. */
  private static <E> VectorSpecies<E> narrower(int factor, Class<E> element) {
    int bits = FLOATS.vectorBitSize() / factor;
    return bits < 64 ? null : VectorSpecies.of(element, VectorShape.forBitSize(bits));
  }

  /**
   * The same address, of which the compiler now knows that it is neither negative nor near the
   * largest number; so are its sums with the offsets of a loop, and no check of bounds is left of
   * them. A method that is compiled by itself does this to the addresses it is given, before its
   * loops. Without it a loop has a comparison for each load, and C2 makes ten times the code.
   */
  static long address(long address) {
    return address & ADDRESSES;
  }

  static float loadFloat(long address) {
    return MEMORY.get(FLOAT, address);
  }

  static void storeFloat(long address, float value) {
    MEMORY.set(FLOAT, address, value);
  }

  static int loadInt(long address) {
    return MEMORY.get(INT, address);
  }

  static void storeInt(long address, int value) {
    MEMORY.set(INT, address, value);
  }

  static long loadLong(long address) {
    return MEMORY.get(LONG, address);
  }

  static void storeLong(long address, long value) {
    MEMORY.set(LONG, address, value);
  }

  static float loadHalf(long address) {
    return Float.float16ToFloat(MEMORY.get(SHORT, address));
  }

  static float loadBrainHalf(long address) {
    return Float.intBitsToFloat(MEMORY.get(SHORT, address) << 16);
  }

  /** Half-precision numbers as floats; exact for all but infinities and NaN, which weights lack. */
  static FloatVector loadHalves(long address) {
    // Sign, exponent and fraction move to their places together; a short's sign fills the rest.
    return loadShorts(address)
        .lanewise(LSHL, 13)
        .and(0x8fffffff)
        .reinterpretAsFloats()
        .mul(HALF_REBIAS);
  }

  /** Brain floats as floats; exact. */
  static FloatVector loadBrainHalves(long address) {
    return loadShorts(address).lanewise(LSHL, 16).reinterpretAsFloats();
  }

  /** Signed bytes as floats; loads just as many bytes as there are lanes. */
  static FloatVector loadBytes(long address) {
    if (QUARTER_BYTES == null) {
      return (FloatVector)
          IntVector.broadcast(IntVector.SPECIES_128, MEMORY.get(INT, address))
              .reinterpretAsBytes()
              .convertShape(VectorOperators.B2F, FLOATS, 0);
    }
    return (FloatVector)
        ByteVector.fromMemorySegment(QUARTER_BYTES, MEMORY, address, ORDER)
            .convertShape(VectorOperators.B2F, FLOATS, 0);
  }

  /** Stores eight signed bytes times a factor as floats. */
  static void scaleBytes(long bytes, float factor, long target) {
    // The bytes lie for a moment where the last floats will.
    storeLong(target + 24, bytes);
    if (COUNT == 4) {
      for (int i = 0; i < 8; i += 4) {
        loadBytes(target + 24 + i).mul(factor).intoMemorySegment(MEMORY, target + 4L * i, ORDER);
      }
    } else {
      ((FloatVector)
              ByteVector.fromMemorySegment(ByteVector.SPECIES_64, MEMORY, target + 24, ORDER)
                  .convertShape(VectorOperators.B2F, FloatVector.SPECIES_256, 0))
          .mul(factor)
          .intoMemorySegment(MEMORY, target, ORDER);
    }
  }

  /** Makes a, a, b, b, c, c of a, b, c in place. */
  static void repeat(long floats, int count) {
    long at = address(floats);
    int whole = count / COUNT * COUNT;
    for (int i = count - 1; i >= whole; i--) {
      float value = loadFloat(at + 4L * i);
      storeFloat(at + 8L * i, value);
      storeFloat(at + 8L * i + 4, value);
    }
    for (int i = whole - COUNT; i >= 0; i -= COUNT) {
      FloatVector values = fromMemorySegment(FLOATS, MEMORY, at + 4L * i, ORDER);
      values.rearrange(LOWER_TWICE).intoMemorySegment(MEMORY, at + 8L * i, ORDER);
      values.rearrange(UPPER_TWICE).intoMemorySegment(MEMORY, at + 8L * i + 4L * COUNT, ORDER);
    }
  }

  private static IntVector loadShorts(long address) {
    return (IntVector)
        ShortVector.fromMemorySegment(HALF_SHORTS, MEMORY, address, ORDER)
            .convertShape(VectorOperators.S2I, INTS, 0);
  }

  /** The largest magnitude of floats; a count of whole vectors. */
  static float largest(long from, int count) {
    long at = address(from);
    FloatVector largest = FloatVector.zero(FLOATS);
    for (int i = 0; i < count; i += COUNT) {
      largest = largest.max(fromMemorySegment(FLOATS, MEMORY, at + 4L * i, ORDER).abs());
    }
    return largest.reduceLanes(VectorOperators.MAX);
  }

  /**
   * Stores floats times a factor as bytes, rounded, ties to even; a count of whole vectors.
   *
   * @param inverse takes the floats to within ±127
   */
  static void quantize(long from, int count, float inverse, long bytes) {
    long in = address(from);
    long out = address(bytes);
    for (int i = 0; i < count; i += COUNT) {
      FloatVector scaled = fromMemorySegment(FLOATS, MEMORY, in + 4L * i, ORDER).mul(inverse);
      IntVector quants = scaled.add(ROUND).reinterpretAsInts();
      if (QUARTER_BYTES == null) {
        int packed = quants.and(0xff).lanewise(LSHL, BYTE_DISTANCE).reduceLanes(OR);
        MEMORY.set(INT, out + i, packed);
      } else {
        ((ByteVector) quants.convertShape(VectorOperators.I2B, QUARTER_BYTES, 0))
            .intoMemorySegment(MEMORY, out + i, ORDER);
      }
    }
  }

  /** The sum of 16 signed bytes. */
  static int sumOf16Bytes(long from) {
    // Bytes plus 128 are not negative and add up in four parts of a long without carries between.
    long parts = 0;
    for (int i = 0; i < 16; i += 8) {
      long bytes = loadLong(from + i) ^ 0x8080808080808080L;
      parts += (bytes & 0x00ff00ff00ff00ffL) + ((bytes >>> 8) & 0x00ff00ff00ff00ffL);
    }
    return (int) ((parts * 0x0001000100010001L) >>> 48) - 16 * 128;
  }

  /**
   * x / (1 + e^-x) of many floats, to 3 units in the last place for x ≥ -87; below, within 1e-36.
   *
   * <p>e^-x is taken apart as 2^k * e^r with |r| ≤ ln 2 / 2, where seven terms of the series leave
   * 6e-9. x is bounded below so that e^-x stays finite, and huge x are not divided by it.
   *
   * @param to may be from
   */
  static void silu(long from, long to, int count) {
    long in = address(from);
    long out = address(to);
    int lanes = count / COUNT * COUNT;
    for (int i = 0; i < lanes; i += COUNT) {
      FloatVector x = fromMemorySegment(FLOATS, MEMORY, in + 4L * i, ORDER).max(SILU_MIN);
      FloatVector bounded = x.neg().max(EXP_MIN);
      FloatVector shifted = bounded.fma(broadcast(FLOATS, LOG2_E), broadcast(FLOATS, ROUND));
      FloatVector power = shifted.sub(ROUND);
      FloatVector r = power.fma(broadcast(FLOATS, -LN2_HIGH), bounded);
      r = power.fma(broadcast(FLOATS, -LN2_LOW), r);
      FloatVector sum = broadcast(FLOATS, 1f / 5040);
      sum = sum.fma(r, broadcast(FLOATS, 1f / 720));
      sum = sum.fma(r, broadcast(FLOATS, 1f / 120));
      sum = sum.fma(r, broadcast(FLOATS, 1f / 24));
      sum = sum.fma(r, broadcast(FLOATS, 1f / 6));
      sum = sum.fma(r, broadcast(FLOATS, 1f / 2));
      sum = sum.fma(r.mul(r), r).add(1);
      IntVector exponent = shifted.reinterpretAsInts().lanewise(LSHL, 23);
      FloatVector exp = sum.reinterpretAsInts().add(exponent).reinterpretAsFloats();
      x.div(exp.add(1)).intoMemorySegment(MEMORY, out + 4L * i, ORDER);
    }
    for (int i = lanes; i < count; i++) {
      storeFloat(out + 4L * i, silu(loadFloat(in + 4L * i)));
    }
  }

  /** x / (1 + e^-x). */
  static float silu(float x) {
    return (float) (x / (1 + Math.exp(-x)));
  }
}
