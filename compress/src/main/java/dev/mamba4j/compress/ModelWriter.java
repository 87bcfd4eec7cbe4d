package dev.mamba4j.compress;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import dev.mamba4j.formats.gguf.GgufWriter;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/**
 * Writes a model as GGUF according to a plan, in bounded memory whatever its size: a slice of each
 * tensor at a time, encoded on all processors. The file has its name only once it is complete.
 */
public final class ModelWriter {
  /** Values that a task encodes; a multiple of every block size. */
  private static final int SLICE = 1 << 20;

  private static final float MAX_HALF = 65504;

  /** Follows the writing. */
  @FunctionalInterface
  public interface Progress {
    /** Says nothing. */
    Progress NONE = (done, total, tensor) -> {};

    /**
     * Called as writing goes on.
     *
     * @param done values written so far
     * @param total values of the model
     * @param tensor the one being written
     */
    void report(long done, long total, String tensor);
  }

  private final ModelSource source;
  private final Plan plan;
  private final Progress progress;
  private final long total;
  private long done;

  private ModelWriter(ModelSource source, Plan plan, Progress progress) {
    this.source = source;
    this.plan = plan;
    this.progress = progress;
    total = source.tensors().stream().mapToLong(tensor -> tensor.info().elements()).sum();
  }

  /**
   * Opens what a user names: a GGUF file or a checkpoint (its folder or weight file).
   *
   * @throws IOException if it is neither, or not a Mamba-2 model
   */
  public static ModelSource open(Path input) throws IOException {
    return isGguf(input) ? GgufModel.open(input) : CheckpointModel.open(input);
  }

  /** By its first bytes, whatever it is called. */
  private static boolean isGguf(Path input) throws IOException {
    if (!Files.isRegularFile(input)) {
      return false;
    }
    try (InputStream in = Files.newInputStream(input)) {
      byte[] magic = in.readNBytes(4);
      return new String(magic, StandardCharsets.ISO_8859_1).equals("GGUF")
          || input.toString().endsWith(".gguf");
    }
  }

  /**
   * Writes the model.
   *
   * @throws IOException if the plan has a type that cannot be written, a value does not fit its
   *     type, or the disk is full; the target is as before then
   */
  public static void write(ModelSource source, Plan plan, Path target, Progress progress)
      throws IOException {
    new ModelWriter(source, plan, progress).write(target);
  }

  private void write(Path target) throws IOException {
    List<GgufTensorInfo> infos = new ArrayList<>();
    for (SourceTensor tensor : source.tensors()) {
      checkWritable(tensor);
      infos.add(new GgufTensorInfo(tensor.name(), plan.type(tensor), tensor.info().dimensions()));
    }
    int processors = Runtime.getRuntime().availableProcessors();
    try (ExecutorService workers = Executors.newFixedThreadPool(processors);
        GgufWriter writer = GgufWriter.create(target, metadata(), infos)) {
      for (SourceTensor tensor : source.tensors()) {
        write(tensor, writer, workers, processors);
      }
      writer.finish();
    }
  }

  /** Whether the bytes of the tensor can stay as they are. */
  private boolean isCopy(SourceTensor tensor) {
    return tensor.stored().isPresent() && tensor.info().type() == plan.type(tensor);
  }

  private void checkWritable(SourceTensor tensor) throws FormatException {
    TensorType type = plan.type(tensor);
    if (!isCopy(tensor) && !type.canEncode()) {
      throw new FormatException(
          "%s: tensor %s cannot become %s; this version writes %s"
              .formatted(
                  source.name(),
                  tensor.name(),
                  type,
                  Arrays.stream(TensorType.values())
                      .filter(TensorType::canEncode)
                      .map(TensorType::name)
                      .collect(Collectors.joining(", "))));
    }
  }

  private GgufMetadata metadata() {
    TensorType main = plan.mainType(source);
    GgufMetadata.Builder keys = source.metadata().toBuilder();
    keys.putUint32("general.file_type", FileType.of(main).id());
    if (main.blockSize() > 1) {
      keys.putUint32("general.quantization_version", 2);
    } else {
      keys.remove("general.quantization_version");
    }
    return keys.build();
  }

  private void write(
      SourceTensor tensor, GgufWriter writer, ExecutorService workers, int processors)
      throws IOException {
    if (isCopy(tensor)) {
      copy(tensor, writer);
      return;
    }
    long elements = tensor.info().elements();
    for (long first = 0; first < elements; first += (long) SLICE * processors) {
      try (Arena arena = Arena.ofShared()) {
        List<Callable<MemorySegment>> tasks = new ArrayList<>();
        for (int i = 0; i < processors && first + (long) i * SLICE < elements; i++) {
          long from = first + (long) i * SLICE;
          int count = (int) Math.min(SLICE, elements - from);
          tasks.add(() -> encode(tensor, from, count, arena));
        }
        for (Future<MemorySegment> part : workers.invokeAll(tasks)) {
          writer.write(tensor.name(), part.get());
        }
      } catch (ExecutionException e) {
        throw asIo(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while writing " + tensor.name(), e);
      }
      report(tensor, Math.min((long) SLICE * processors, elements - first));
    }
  }

  private void copy(SourceTensor tensor, GgufWriter writer) throws IOException {
    MemorySegment data = tensor.stored().orElseThrow();
    long elements = tensor.info().elements();
    for (long first = 0; first < elements; first += SLICE) {
      long count = Math.min(SLICE, elements - first);
      TensorType type = tensor.info().type();
      writer.write(tensor.name(), data.asSlice(type.byteSize(first), type.byteSize(count)));
      report(tensor, count);
    }
  }

  private void report(SourceTensor tensor, long count) {
    done += count;
    progress.report(done, total, tensor.name());
  }

  private MemorySegment encode(SourceTensor tensor, long first, int count, Arena arena)
      throws FormatException {
    float[] values = new float[count];
    tensor.values().read(first, values, count);
    TensorType type = plan.type(tensor);
    check(tensor, type, values);
    MemorySegment bytes = arena.allocate(type.byteSize(count), 64);
    type.encode(values, 0, bytes, 0, count);
    return bytes;
  }

  private void check(SourceTensor tensor, TensorType type, float[] values) throws FormatException {
    float limit = type == TensorType.F16 ? MAX_HALF : Float.MAX_VALUE;
    for (float value : values) {
      if (!(Math.abs(value) <= limit)) {
        throw new FormatException(
            "%s: tensor %s holds %s, which %s cannot; %s"
                .formatted(
                    source.name(),
                    tensor.name(),
                    value,
                    type,
                    Float.isFinite(value) ? "use BF16" : "the checkpoint is broken"));
      }
    }
  }

  private static IOException asIo(Throwable cause) {
    return switch (cause) {
      case IOException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> new IOException(cause);
    };
  }
}
