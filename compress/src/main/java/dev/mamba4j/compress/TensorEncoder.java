package dev.mamba4j.compress;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Turns the values of a tensor into the bytes of a type, whole rows at a time. Safe for use by
 * several threads.
 */
public final class TensorEncoder {
  /**
   * About how many values are encoded at once; whole rows, so that columns keep their importance.
   */
  private static final int SLICE = 1 << 20;

  private static final float MAX_HALF = 65504;

  private final SourceTensor tensor;
  private final TensorType type;
  private final QuantizationMethod.RowEncoder rows;
  private final int slice;

  private TensorEncoder(SourceTensor tensor, TensorType type, QuantizationMethod.RowEncoder rows) {
    this.tensor = tensor;
    this.type = type;
    this.rows = rows;
    long columns = tensor.info().columns();
    slice = Math.toIntExact(columns * Math.max(1, SLICE / columns));
  }

  /**
   * An encoder of a tensor.
   *
   * @throws IOException if what the method knows of the tensor is of no use
   */
  public static TensorEncoder of(SourceTensor tensor, TensorType type, QuantizationMethod method)
      throws IOException {
    return new TensorEncoder(tensor, type, method.encoder(tensor, type));
  }

  /** Values of a slice, but for the last: whole rows, whole blocks. */
  int slice() {
    return slice;
  }

  /** Bytes that so many values take. */
  long bytes(long count) {
    return type.byteSize(count);
  }

  /**
   * Encodes a range of values.
   *
   * @param first a multiple of the columns
   * @param count likewise
   * @param target as many bytes as they take
   * @throws FormatException if a value does not fit the type
   */
  public void encode(long first, int count, MemorySegment target) throws FormatException {
    float[] values = new float[count];
    tensor.values().read(first, values, count);
    check(values);
    rows.encode(values, count, target);
  }

  /**
   * Encodes all values on all processors.
   *
   * @param target as many bytes as they take, shared between threads
   */
  public void encodeAll(MemorySegment target) throws IOException {
    try (ExecutorService workers =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
      List<Callable<Void>> tasks = new ArrayList<>();
      long elements = tensor.info().elements();
      for (long from = 0; from < elements; from += slice) {
        long first = from;
        int count = (int) Math.min(slice, elements - from);
        MemorySegment part = target.asSlice(bytes(first), bytes(count));
        tasks.add(
            () -> {
              encode(first, count, part);
              return null;
            });
      }
      for (Future<Void> done : workers.invokeAll(tasks)) {
        done.get();
      }
    } catch (ExecutionException e) {
      throw asIo(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while encoding " + tensor.name(), e);
    }
  }

  /** The failure of a task, to be thrown. */
  static IOException asIo(Throwable cause) {
    return switch (cause) {
      case IOException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> new IOException(cause);
    };
  }

  private void check(float[] values) throws FormatException {
    float limit = type == TensorType.F16 ? MAX_HALF : Float.MAX_VALUE;
    for (float value : values) {
      if (!(Math.abs(value) <= limit)) {
        throw new FormatException(
            "tensor %s holds %s, which %s cannot; %s"
                .formatted(
                    tensor.name(),
                    value,
                    type,
                    Float.isFinite(value) ? "use BF16" : "the checkpoint is broken"));
      }
    }
  }
}
