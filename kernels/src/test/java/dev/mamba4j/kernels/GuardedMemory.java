package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Native memory for one test. Around each piece lie bytes of ones: NaN to whoever reads them, and
 * checked by {@link #assertIntact()} against whoever writes there or to an input.
 */
final class GuardedMemory implements AutoCloseable {
  private static final int GUARD = 256;

  private final Arena arena = Arena.ofConfined();
  private final List<Check> checks = new ArrayList<>();

  private record Check(MemorySegment current, MemorySegment expected) {
    Check(MemorySegment current) {
      this(current, MemorySegment.ofArray(current.toArray(ValueLayout.JAVA_BYTE)));
    }

    boolean holds() {
      return current.mismatch(expected) == -1;
    }
  }

  /** Memory that may be written. */
  MemorySegment allocate(long bytes) {
    MemorySegment whole = arena.allocate(bytes + 2 * GUARD, 64);
    whole.fill((byte) 0xff);
    checks.add(new Check(whole.asSlice(0, GUARD)));
    checks.add(new Check(whole.asSlice(GUARD + bytes)));
    return whole.asSlice(GUARD, bytes);
  }

  /** Memory that may be written, with these values in it. */
  MemorySegment floats(float[] values) {
    MemorySegment data = allocate(4L * values.length);
    MemorySegment.copy(values, 0, data, ValueLayout.JAVA_FLOAT, 0, values.length);
    return data;
  }

  /** Memory that must stay as it is. */
  MemorySegment input(float[] values) {
    return readOnly(floats(values));
  }

  /** Says that this memory must stay as it is from now on. */
  MemorySegment readOnly(MemorySegment data) {
    checks.add(new Check(data));
    return data;
  }

  /** Vectors that may be written, with these values in them. */
  Vectors vectors(int rows, int columns, float[] values) {
    return new Vectors(rows, columns, floats(values));
  }

  /** Vectors that must stay as they are. */
  Vectors inputVectors(int rows, int columns, float[] values) {
    return new Vectors(rows, columns, input(values));
  }

  /** Fails if anything outside the pieces, or in an input, has changed. */
  void assertIntact() {
    for (Check check : checks) {
      assertThat(check.holds()).as("bytes that nobody may write").isTrue();
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
