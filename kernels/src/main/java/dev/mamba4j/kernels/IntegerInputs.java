package dev.mamba4j.kernels;

import static dev.mamba4j.kernels.Lanes.COUNT;
import static dev.mamba4j.kernels.Lanes.MEMORY;
import static dev.mamba4j.kernels.Lanes.ORDER;
import static dev.mamba4j.kernels.Lanes.SHORTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.LSHL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.ShortVector;

/**
 * Memory of one thread for inputs in the form that {@link IntegerProducts} take.
 *
 * <p>The quants are shorts. Of each {@link #UNIT} first come those of the even columns, then those
 * of the odd ones: so lie the bytes of weights once shifts have taken shorts apart. (A block of 32
 * bytes does not fill a vector of 512 bits; there bytes are widened, and columns stay in place.)
 */
final class IntegerInputs {
  /** Columns that are multiplied at once, whole bytes of a vector, 16 or 32. */
  static final int UNIT = Math.min(4 * COUNT, 32);

  /** Whether shorts are taken apart, or bytes are widened. */
  static final boolean SPLIT = COUNT < 16;

  /** Columns that have a scale here. */
  private static final int BLOCK = 32;

  private static final long CACHE_LINE = 64;

  private static final ThreadLocal<IntegerInputs> OF_THREAD =
      ThreadLocal.withInitial(IntegerInputs::new);

  private MemorySegment memory = MemorySegment.NULL;
  private long columns;

  private IntegerInputs() {}

  /** Whether quants are there, and {@link #BLOCK} of them have one scale. */
  static boolean supports(Activations x) {
    return x.quantized() && x.block() % BLOCK == 0;
  }

  /** Makes room and fills it. */
  static IntegerInputs of(Activations x, int firstToken, int tokens) {
    IntegerInputs inputs = OF_THREAD.get();
    inputs.allocate(x.columns(), tokens);
    for (int t = 0; t < tokens; t++) {
      inputs.fill(x, firstToken + t, t);
    }
    return inputs;
  }

  private void allocate(int columns, int tokens) {
    this.columns = columns;
    long bytes = tokens * stride();
    if (memory.byteSize() < bytes) {
      memory = Arena.ofAuto().allocate(bytes, CACHE_LINE);
    }
  }

  /** Bytes from one token to the next. */
  private long stride() {
    return 2 * columns + 4 * (columns / BLOCK) + 4 * (columns / UnpackedRows.GROUP);
  }

  /** int16 (columns). */
  long quants(int token) {
    return memory.address() + token * stride();
  }

  /** float32 (columns / BLOCK). */
  long scales(int token) {
    return quants(token) + 2 * columns;
  }

  /** float32 (columns / UnpackedRows.GROUP): the sums of the values of each group. */
  long sums(int token) {
    return scales(token) + 4 * (columns / BLOCK);
  }

  private void fill(Activations x, int from, int token) {
    long first = (long) from * x.columns();
    spread(x.quants().address() + first, x.columns(), quants(token));
    long scale = x.scales().address() + 4 * (first / x.block());
    long sums = x.sums().address() + 4 * (first / UnpackedRows.GROUP);
    for (int block = 0; block < x.columns(); block += x.block()) {
      float factor = Lanes.loadFloat(scale);
      for (int i = block / BLOCK; i < (block + x.block()) / BLOCK; i++) {
        Lanes.storeFloat(scales(token) + 4L * i, factor);
      }
      for (int i = block / UnpackedRows.GROUP; i < (block + x.block()) / UnpackedRows.GROUP; i++) {
        Lanes.storeFloat(sums(token) + 4L * i, factor * Lanes.loadInt(sums + 4L * i));
      }
      scale += 4;
    }
  }

  private static void spread(long bytes, int count, long shorts) {
    long from = Lanes.address(bytes);
    long to = Lanes.address(shorts);
    for (int i = 0; i < count; i += UNIT) {
      if (SPLIT) {
        ShortVector pairs = ShortVector.fromMemorySegment(SHORTS, MEMORY, from + i, ORDER);
        pairs.lanewise(LSHL, 8).lanewise(ASHR, 8).intoMemorySegment(MEMORY, to + 2L * i, ORDER);
        pairs.lanewise(ASHR, 8).intoMemorySegment(MEMORY, to + 2L * i + UNIT, ORDER);
      } else {
        widen(from + i).intoMemorySegment(MEMORY, to + 2L * i, ORDER);
      }
    }
  }

  /** As many bytes as a vector has shorts. */
  static ShortVector widen(long address) {
    return (ShortVector)
        ByteVector.fromMemorySegment(ByteVector.SPECIES_256, MEMORY, address, ORDER)
            .convertShape(B2S, SHORTS, 0);
  }
}
