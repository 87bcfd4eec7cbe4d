package dev.mamba4j.kernels;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Random;

/** Numbers for tests, the same in every run. */
final class Numbers {
  private static final ValueLayout.OfShort HALF =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Random random;

  Numbers(long seed) {
    random = new Random(seed);
  }

  /** Of both signs and never near zero, so that not one of them can be lost unnoticed. */
  float[] floats(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      float value = 0.5f + random.nextFloat();
      values[i] = random.nextBoolean() ? value : -value;
    }
    return values;
  }

  /** Random blocks of a quantized type, with scales of about the same size and of both signs. */
  void fillBlocks(TensorType type, MemorySegment blocks) {
    for (long block = 0; block < blocks.byteSize(); block += type.blockBytes()) {
      byte[] bytes = new byte[type.blockBytes()];
      random.nextBytes(bytes);
      MemorySegment.copy(bytes, 0, blocks, ValueLayout.JAVA_BYTE, block, bytes.length);
      float[] scales = floats(2);
      setScales(type, blocks, block, scales[0] / 16, scales[1] / 16);
    }
  }

  /** Blocks of a quantized type, all bytes the same and scales of 1. */
  static void fillBlocks(TensorType type, MemorySegment blocks, byte value) {
    blocks.fill(value);
    for (long block = 0; block < blocks.byteSize(); block += type.blockBytes()) {
      setScales(type, blocks, block, 1, 1);
    }
  }

  private static void setScales(
      TensorType type, MemorySegment blocks, long block, float scale, float minimum) {
    long at = block + scaleOffset(type);
    blocks.set(HALF, at, Float.floatToFloat16(scale));
    if (hasMinimum(type)) {
      blocks.set(HALF, at + 2, Float.floatToFloat16(minimum));
    }
  }

  private static int scaleOffset(TensorType type) {
    return switch (type) {
      case Q2_K -> 80;
      case Q3_K -> 108;
      case Q6_K -> 208;
      default -> 0;
    };
  }

  private static boolean hasMinimum(TensorType type) {
    return switch (type) {
      case Q4_1, Q5_1, Q2_K, Q4_K, Q5_K -> true;
      default -> false;
    };
  }

  /** From 0 to the bound, the bound excluded. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  /** From the first to the last, both included. */
  int between(int first, int last) {
    return first + random.nextInt(last - first + 1);
  }

  /** Eighths from -1 to 1 by a rule simple enough to be repeated in other languages. */
  static float[] eighths(int seed, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = ((i * 37 + seed * 11) % 17 - 8) / 8f;
    }
    return values;
  }
}
