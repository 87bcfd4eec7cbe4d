package dev.mamba4j.compress.gptq;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import dev.mamba4j.formats.gguf.GgufWriter;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What {@link InputProducts} have added up, saved from time to time, so that a reading that was
 * killed goes on: a GGUF file with the lower triangle of each matrix, row by row, in float32.
 */
final class ProductsFile {
  private static final String WINDOWS_KEY = "mamba4j.gptq.windows";
  private static final String SPEED_KEY = "mamba4j.gptq.products_per_second";

  /** Writing may take one of so many seconds. */
  private static final int SHARE = 20;

  private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** What a disk is taken for until it has shown how fast it is. */
  private static final double BYTES_A_NANO = 0.2;

  private final Path file;
  private final InputProducts products;
  private long saved = System.nanoTime();
  private long pauseNanos = -1;

  ProductsFile(Path file, InputProducts products) {
    this.file = file;
    this.products = products;
  }

  /** How many windows an earlier start has read: these are taken over. */
  int resume() throws IOException {
    if (!Files.exists(file)) {
      return 0;
    }
    try (GgufFile before = GgufFile.open(file)) {
      int windows = before.metadata().int32(WINDOWS_KEY);
      products.startSpeed(before.metadata().float32(SPEED_KEY));
      for (GgufTensor triangle : before.tensors()) {
        products.startFrom(triangle.name(), triangle.data());
      }
      return windows;
    } catch (FormatException _) {
      return 0; // A damaged one is of no use; the next save replaces it.
    }
  }

  /** Saves, if enough time has passed for it not to matter. */
  void saveNowAndThen(int windows) throws IOException {
    if (pauseNanos < 0) {
      pauseNanos = pause((long) (products.triangleBytes() / BYTES_A_NANO));
    }
    if (System.nanoTime() - saved > pauseNanos) {
      save(windows);
    }
  }

  private static long pause(long nanosOfSaving) {
    return Math.max(SHORTEST_PAUSE_NANOS, SHARE * nanosOfSaving);
  }

  /** Saves what has been read: whole windows. */
  void save(int windows) throws IOException {
    long start = System.nanoTime();
    GgufMetadata keys =
        GgufMetadata.builder()
            .putUint32(WINDOWS_KEY, windows)
            .putFloat32(SPEED_KEY, (float) products.perSecond())
            .build();
    List<String> names = products.matrices();
    List<GgufTensorInfo> infos =
        names.stream()
            .map(name -> new GgufTensorInfo(name, TensorType.F32, products.triangle(name)))
            .toList();
    try (GgufWriter writer = GgufWriter.create(file, keys, infos)) {
      for (String name : names) {
        products.forEachRow(name, row -> writer.write(name, row));
      }
      writer.finish();
    }
    saved = System.nanoTime();
    pauseNanos = pause(saved - start);
  }
}
