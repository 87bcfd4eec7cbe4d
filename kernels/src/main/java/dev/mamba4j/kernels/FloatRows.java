package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.FLOATS;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static jdk.incubator.vector.FloatVector.broadcast;

import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Makes weights floats, whatever their type: {@code scale * quant + minimum}, rounded once. */
final class FloatRows {
  private FloatRows() {}

  /**
   * Unpacks a part of a row.
   *
   * @param from address of its first block
   * @param columns whole blocks and whole vectors, at most {@link UnpackedRows#COLUMNS}
   * @param target address of float32 (columns)
   */
  static void unpack(TensorType type, long from, int columns, long target) {
    switch (type) {
      case F32 -> MemorySegment.copy(MEMORY, from, MEMORY, target, 4L * columns);
      case F16 -> unpackF16(from, columns, target);
      case BF16 -> unpackBF16(from, columns, target);
      default -> {
        UnpackedRows rows = UnpackedRows.ofThread();
        rows.unpack(type, from, columns, 0);
        int groups = columns / UnpackedRows.GROUP;
        if (UnpackedRows.hasMinimums(type)) {
          scale(groups, rows.quants(0), rows.scales(0), rows.minimums(0), target);
        } else {
          scale(groups, rows.quants(0), rows.scales(0), target);
        }
      }
    }
  }

  private static void unpackF16(long from, int columns, long target) {
    long in = Lanes.address(from);
    long out = Lanes.address(target);
    for (int i = 0; i < columns; i += COUNT) {
      Lanes.loadHalves(in + 2L * i).intoMemorySegment(MEMORY, out + 4L * i, ORDER);
    }
  }

  private static void unpackBF16(long from, int columns, long target) {
    long in = Lanes.address(from);
    long out = Lanes.address(target);
    for (int i = 0; i < columns; i += COUNT) {
      Lanes.loadBrainHalves(in + 2L * i).intoMemorySegment(MEMORY, out + 4L * i, ORDER);
    }
  }

  private static void scale(int groups, long quants, long scales, long target) {
    long from = Lanes.address(quants);
    long factors = Lanes.address(scales);
    long out = Lanes.address(target);
    for (int i = 0; i < groups; i++) {
      FloatVector d = broadcast(FLOATS, Lanes.loadFloat(factors + 4L * i));
      for (int c = 0; c < UnpackedRows.GROUP; c += COUNT) {
        long to = out + 64L * i + 4L * c;
        Lanes.loadBytes(from + 16L * i + c).mul(d).intoMemorySegment(MEMORY, to, ORDER);
      }
    }
  }

  private static void scale(int groups, long quants, long scales, long minimums, long target) {
    long from = Lanes.address(quants);
    long factors = Lanes.address(scales);
    long offsets = Lanes.address(minimums);
    long out = Lanes.address(target);
    for (int i = 0; i < groups; i++) {
      FloatVector d = broadcast(FLOATS, Lanes.loadFloat(factors + 4L * i));
      FloatVector m = broadcast(FLOATS, Lanes.loadFloat(offsets + 4L * i));
      for (int c = 0; c < UnpackedRows.GROUP; c += COUNT) {
        long to = out + 64L * i + 4L * c;
        Lanes.loadBytes(from + 16L * i + c).fma(d, m).intoMemorySegment(MEMORY, to, ORDER);
      }
    }
  }
}
