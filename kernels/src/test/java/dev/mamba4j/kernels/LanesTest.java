package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("vector-width")
class LanesTest {
  /** As {@link Lanes#silu} documents, in units in the last place. */
  private static final double SILU_ERROR = 3;

  /** From one number tried to the next, in units in the last place: a prime, so all bits vary. */
  private static final int STRIDE = 7919;

  @Test
  void hasTheWidthThatThisRunIsMeantToTest() {
    int limit = Integer.getInteger("mamba4j.test.vectorBits", 512);
    assertThat(Lanes.FLOATS.vectorBitSize()).isBetween(128, limit);
    assertThat(Lanes.COUNT * 32).isEqualTo(Lanes.FLOATS.vectorBitSize());
    assertThat(Lanes.USABLE).isTrue();
  }

  @Test
  void siluIsAsNearAsDocumented() {
    assertSilu(0, 1000);
    assertSilu(-0.0f, -87);
  }

  /** Tries numbers evenly spread over the floats of a range, not over the range. */
  private static void assertSilu(float first, float last) {
    int count = (bits(last) - bits(first)) / STRIDE;
    try (Arena arena = Arena.ofConfined()) {
      Vectors x = Vectors.allocate(arena, 1, count);
      Vectors y = Vectors.allocate(arena, 1, count);
      for (int i = 0; i < count; i++) {
        x.set(0, i, Float.intBitsToFloat(bits(first) + i * STRIDE));
      }
      Lanes.silu(x.rowAddress(0), y.rowAddress(0), count);
      for (int i = 0; i < count; i++) {
        double exact = Equations.silu(x.get(0, i));
        double error = Math.abs(y.get(0, i) - exact) / Math.ulp((float) exact);
        if (!(error <= SILU_ERROR)) {
          fail("silu(%s) is %s, expected %s", x.get(0, i), y.get(0, i), exact);
        }
      }
    }
  }

  @Test
  void siluVanishesFarBelowZero() {
    for (float x : new float[] {-87.5f, -88, -89, -1000, -1e30f, -Float.MAX_VALUE}) {
      assertThat(silu(x)).isBetween(-1e-36f, 0f);
      assertThat(Lanes.silu(x)).isBetween(-1e-36f, 0f);
    }
    assertThat(silu(Float.NaN)).isNaN();
  }

  @Test
  void siluIsTheIdentityFarAboveZero() {
    for (float x : new float[] {88, 89, 1000, 1e30f, Float.MAX_VALUE}) {
      assertThat(silu(x)).isEqualTo(x);
      assertThat(Lanes.silu(x)).isEqualTo(x);
    }
  }

  @Test
  void siluOfAFloatIsTheNearest() {
    for (float x = -87; x < 100; x += 0.37f) {
      float expected = (float) Equations.silu(x);
      assertThat(Lanes.silu(x)).isCloseTo(expected, within(Math.ulp(expected)));
    }
  }

  @Test
  void softplusIsTheNearestOverTheWholeRange() {
    float[] values = {-1000, -103, -87, -20, -1, -1e-20f, 0, 1e-20f, 1, 19.9f, 20, 20.1f, 88, 1000};
    for (float x : values) {
      float expected = (float) Equations.softplus(x);
      assertThat(ScalarKernels.softplus(x)).isCloseTo(expected, within(Math.ulp(expected)));
    }
  }

  @Test
  void halvesAreExact() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment all = shorts(arena);
      for (int from = 0; from < 1 << 16; from += Lanes.COUNT) {
        float[] actual = Lanes.loadHalves(all.address() + 2L * from).toArray();
        for (int i = 0; i < Lanes.COUNT; i++) {
          float expected = Float.float16ToFloat((short) (from + i));
          if (Float.isFinite(expected)) {
            assertThat(bits(actual[i])).isEqualTo(bits(expected));
            assertThat(bits(Lanes.loadHalf(all.address() + 2L * (from + i))))
                .isEqualTo(bits(expected));
          }
        }
      }
    }
  }

  @Test
  void brainHalvesAreExact() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment all = shorts(arena);
      for (int from = 0; from < 1 << 16; from += Lanes.COUNT) {
        float[] actual = Lanes.loadBrainHalves(all.address() + 2L * from).toArray();
        for (int i = 0; i < Lanes.COUNT; i++) {
          int expected = (from + i) << 16;
          assertThat(bits(actual[i])).isEqualTo(expected);
          assertThat(bits(Lanes.loadBrainHalf(all.address() + 2L * (from + i))))
              .isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void bytesAreSigned() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment all = arena.allocate(256);
      for (int i = 0; i < 256; i++) {
        all.set(ValueLayout.JAVA_BYTE, i, (byte) i);
      }
      for (int from = 0; from + Lanes.COUNT <= 256; from++) {
        float[] actual = Lanes.loadBytes(all.address() + from).toArray();
        for (int i = 0; i < Lanes.COUNT; i++) {
          assertThat(actual[i]).isEqualTo((byte) (from + i));
        }
      }
    }
  }

  private static MemorySegment shorts(Arena arena) {
    MemorySegment all = arena.allocate(2 << 16, 2);
    for (int i = 0; i < 1 << 16; i++) {
      all.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
    }
    return all;
  }

  /** Of a vector of this number, in place. */
  private static float silu(float x) {
    try (Arena arena = Arena.ofConfined()) {
      Vectors vector = Vectors.allocate(arena, 1, Lanes.COUNT);
      vector.set(0, Lanes.COUNT - 1, x);
      Lanes.silu(vector.rowAddress(0), vector.rowAddress(0), Lanes.COUNT);
      return vector.get(0, Lanes.COUNT - 1);
    }
  }

  private static int bits(float value) {
    return Float.floatToRawIntBits(value);
  }
}
