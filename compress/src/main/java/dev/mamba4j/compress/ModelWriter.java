package dev.mamba4j.compress;

import dev.mamba4j.engine.Clipping;
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
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Writes a model as GGUF according to a plan, in bounded memory whatever its size: a slice of each
 * tensor at a time, encoded on all processors. The file has its name only once it is complete.
 */
public final class ModelWriter {
  private static final String PROVENANCE = "mamba4j.plan.";

  /**
   * Key of what the choice of each matrix costs, in nats of divergence: numbers in the order of the
   * matrices in the file, NaN where it was not measured.
   */
  public static final String COSTS_KEY = PROVENANCE + "nats";

  /** Values that are copied at once; a multiple of every block size. */
  private static final int COPY_SLICE = 1 << 20;

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
  private final QuantizationMethod method;
  private final Progress progress;
  private final long total;
  private long done;

  private ModelWriter(ModelSource source, Plan plan, QuantizationMethod method, Progress progress) {
    this.source = source;
    this.plan = plan;
    this.method = method;
    this.progress = progress;
    total = values(source);
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

  /** Writes the model, its weights rounded to nearest. */
  public static void write(ModelSource source, Plan plan, Path target, Progress progress)
      throws IOException {
    write(source, plan, new RoundToNearest(), target, progress);
  }

  /**
   * Writes the model.
   *
   * @param method how weights become integers
   * @throws IOException if the plan has a type that cannot be written, a value does not fit its
   *     type, or the disk is full; the target is as before then
   */
  public static void write(
      ModelSource source, Plan plan, QuantizationMethod method, Path target, Progress progress)
      throws IOException {
    new ModelWriter(source, plan, method, progress).write(target);
  }

  /** The size in bytes of the file that {@link #write} makes. */
  public static long fileBytes(ModelSource source, Plan plan, QuantizationMethod method)
      throws IOException {
    ModelWriter writer = new ModelWriter(source, plan, method, Progress.NONE);
    return GgufWriter.fileBytes(writer.metadata(), writer.infos());
  }

  /** The bytes of all tensors, without what lies between them. */
  public static long tensorBytes(ModelSource source, Plan plan) {
    return source.tensors().stream()
        .mapToLong(tensor -> plan.type(tensor).byteSize(tensor.info().elements()))
        .sum();
  }

  /** How many values a model has. */
  public static long values(ModelSource source) {
    return source.tensors().stream().mapToLong(tensor -> tensor.info().elements()).sum();
  }

  private List<GgufTensorInfo> infos() {
    return source.tensors().stream()
        .map(
            tensor ->
                new GgufTensorInfo(tensor.name(), plan.type(tensor), tensor.info().dimensions()))
        .toList();
  }

  private void write(Path target) throws IOException {
    for (SourceTensor tensor : source.tensors()) {
      checkWritable(tensor);
    }
    int processors = Runtime.getRuntime().availableProcessors();
    try (ExecutorService workers = Executors.newFixedThreadPool(processors);
        GgufWriter writer = GgufWriter.create(target, metadata(), infos())) {
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
              .formatted(source.name(), tensor.name(), type, TensorType.encodable()));
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
    // What an earlier quantization said of itself does not hold for this one.
    source.metadata().values().keySet().stream()
        .filter(ModelWriter::isOfAnEarlierOne)
        .forEach(keys::remove);
    plan.clipping().ifPresent(limits -> limits.describe(keys));
    if (!plan.goal().isEmpty()) {
      keys.putString(PROVENANCE + "goal", plan.goal());
    }
    float[] costs = costs();
    if (costs.length > 0) {
      keys.putFloat32s(COSTS_KEY, costs);
    }
    method.describe(keys);
    return keys.build();
  }

  private static boolean isOfAnEarlierOne(String key) {
    return key.startsWith(PROVENANCE)
        || key.startsWith(Clipping.PREFIX)
        || key.startsWith("quantize.imatrix.");
  }

  /** Of each matrix; none if nothing was measured. */
  private float[] costs() {
    List<OptionalDouble> known =
        source.tensors().stream()
            .filter(SourceTensor::isMatrix)
            .map(tensor -> plan.choice(tensor).nats())
            .toList();
    float[] costs =
        new float[known.stream().anyMatch(OptionalDouble::isPresent) ? known.size() : 0];
    for (int i = 0; i < costs.length; i++) {
      costs[i] = (float) known.get(i).orElse(Double.NaN);
    }
    return costs;
  }

  private void write(
      SourceTensor tensor, GgufWriter writer, ExecutorService workers, int processors)
      throws IOException {
    if (isCopy(tensor)) {
      copy(tensor, tensor.stored().orElseThrow(), writer);
      return;
    }
    Optional<MemorySegment> encoded = encoded(tensor);
    if (encoded.isPresent()) {
      copy(tensor, encoded.get(), writer);
      return;
    }
    TensorEncoder encoder = TensorEncoder.of(tensor, plan.type(tensor), method);
    long elements = tensor.info().elements();
    long slice = encoder.slice();
    for (long first = 0; first < elements; first += slice * processors) {
      try (Arena arena = Arena.ofShared()) {
        List<Callable<MemorySegment>> tasks = new ArrayList<>();
        for (long from = first; from < Math.min(elements, first + slice * processors); ) {
          tasks.add(task(encoder, from, (int) Math.min(slice, elements - from), arena));
          from += slice;
        }
        for (Future<MemorySegment> part : workers.invokeAll(tasks)) {
          writer.write(tensor.name(), part.get());
        }
      } catch (ExecutionException e) {
        throw named(TensorEncoder.asIo(e.getCause()));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while writing " + tensor.name(), e);
      }
      report(tensor, Math.min(slice * processors, elements - first));
    }
  }

  private Optional<MemorySegment> encoded(SourceTensor tensor) throws IOException {
    try {
      return method.encoded(tensor, plan.type(tensor));
    } catch (FormatException e) {
      throw named(e);
    }
  }

  private static Callable<MemorySegment> task(
      TensorEncoder encoder, long first, int count, Arena arena) {
    return () -> {
      MemorySegment bytes = arena.allocate(encoder.bytes(count), 64);
      encoder.encode(first, count, bytes);
      return bytes;
    };
  }

  private IOException named(IOException failure) {
    return failure instanceof FormatException
        ? new FormatException(source.name() + ": " + failure.getMessage(), failure)
        : failure;
  }

  private void copy(SourceTensor tensor, MemorySegment data, GgufWriter writer) throws IOException {
    long elements = tensor.info().elements();
    for (long first = 0; first < elements; first += COPY_SLICE) {
      long count = Math.min(COPY_SLICE, elements - first);
      TensorType type = plan.type(tensor);
      writer.write(tensor.name(), data.asSlice(type.byteSize(first), type.byteSize(count)));
      report(tensor, count);
    }
  }

  private void report(SourceTensor tensor, long count) {
    done += count;
    progress.report(done, total, tensor.name());
  }
}
