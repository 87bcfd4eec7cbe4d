package dev.mamba4j.compress.calibration;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import dev.mamba4j.formats.gguf.GgufWriter;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * An importance matrix as a GGUF file, as llama.cpp has them since 2025: the key {@code
 * general.type} is "imatrix"; for each matrix NAME of the model there are float32 tensors {@code
 * NAME.in_sum2} (columns, 1), sums of squares, and {@code NAME.counts} (1, 1), the number of
 * inputs.
 *
 * @param origin what an unfinished calibration is of, so that only the same one goes on with it
 */
record ImportanceFile(ImportanceMatrix matrix, Optional<String> origin) {
  private static final String TYPE_KEY = "general.type";
  private static final String TYPE = "imatrix";
  private static final String DATASETS_KEY = "imatrix.datasets";
  private static final String CHUNKS_KEY = "imatrix.chunk_count";
  private static final String CHUNK_SIZE_KEY = "imatrix.chunk_size";
  private static final String ORIGIN_KEY = "mamba4j.calibration.origin";
  private static final String SUMS = ".in_sum2";
  private static final String COUNTS = ".counts";

  /** What float32 leaves of a sum, twice: (columns, 2). Only unfinished work has it. */
  private static final String RESTS = ".rests";

  static void write(Path target, ImportanceMatrix matrix, Optional<String> origin)
      throws IOException {
    GgufMetadata.Builder keys =
        GgufMetadata.builder()
            .putString(TYPE_KEY, TYPE)
            .putStrings(DATASETS_KEY, matrix.datasets())
            .putUint32(CHUNKS_KEY, matrix.chunks())
            .putUint32(CHUNK_SIZE_KEY, matrix.chunkSize());
    origin.ifPresent(text -> keys.putString(ORIGIN_KEY, text));
    List<GgufTensorInfo> infos = new ArrayList<>();
    matrix
        .entries()
        .forEach(
            (name, columns) -> {
              infos.add(new GgufTensorInfo(name + SUMS, TensorType.F32, columns.sums().length, 1));
              infos.add(new GgufTensorInfo(name + COUNTS, TensorType.F32, 1, 1));
              if (origin.isPresent()) {
                infos.add(
                    new GgufTensorInfo(name + RESTS, TensorType.F32, columns.sums().length, 2));
              }
            });
    try (GgufWriter writer = GgufWriter.create(target, keys.build(), infos);
        Arena arena = Arena.ofConfined()) {
      for (Map.Entry<String, ImportanceMatrix.Columns> entry : matrix.entries().entrySet()) {
        float count = (float) entry.getValue().count();
        writer.write(entry.getKey() + SUMS, floats(arena, entry.getValue().sums()));
        writer.write(entry.getKey() + COUNTS, arena.allocateFrom(ValueLayout.JAVA_FLOAT, count));
        if (origin.isPresent()) {
          double[] rests = rests(entry.getValue().sums());
          double[] last = rests(rests);
          writer.write(entry.getKey() + RESTS, floats(arena, rests));
          writer.write(entry.getKey() + RESTS, floats(arena, last));
        }
      }
      writer.finish();
    }
  }

  private static MemorySegment floats(Arena arena, double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return arena.allocateFrom(ValueLayout.JAVA_FLOAT, floats);
  }

  /** What is lost where values become float32. */
  private static double[] rests(double[] values) {
    double[] rests = new double[values.length];
    for (int i = 0; i < rests.length; i++) {
      rests[i] = values[i] - (float) values[i];
    }
    return rests;
  }

  static ImportanceFile read(Path source) throws IOException {
    try (GgufFile file = GgufFile.open(source)) {
      GgufMetadata keys = file.metadata();
      String type = keys.optionalString(TYPE_KEY).orElse("model");
      if (!type.equals(TYPE)) {
        throw new FormatException(
            "%s: expected an importance matrix, found a GGUF file of type \"%s\"; make one with mamba4j calibrate"
                .formatted(source, type));
      }
      Map<String, ImportanceMatrix.Columns> entries = new TreeMap<>();
      for (GgufTensor tensor : file.tensors()) {
        if (tensor.name().endsWith(SUMS)) {
          String name = tensor.name().substring(0, tensor.name().length() - SUMS.length());
          entries.put(name, columns(file, name, tensor));
        }
      }
      if (entries.isEmpty()) {
        throw new FormatException(source + ": the importance matrix is empty");
      }
      ImportanceMatrix matrix =
          new ImportanceMatrix(
              keys.strings(DATASETS_KEY),
              keys.int32(CHUNKS_KEY),
              keys.int32(CHUNK_SIZE_KEY),
              new TreeMap<>(entries));
      return new ImportanceFile(matrix, keys.optionalString(ORIGIN_KEY));
    }
  }

  private static ImportanceMatrix.Columns columns(GgufFile file, String name, GgufTensor sums)
      throws FormatException {
    GgufTensor counts =
        file.tensor(name + COUNTS)
            .orElseThrow(
                () -> new FormatException(file.path() + ": tensor " + name + COUNTS + " missing"));
    if (sums.rows() != 1 || counts.elements() != 1) {
      throw new FormatException(
          "%s: tensor %s is of %d matrices (experts); a Mamba-2 model has one for each name"
              .formatted(file.path(), sums.name(), sums.rows()));
    }
    double[] squares = values(file, sums);
    Optional<GgufTensor> rests = file.tensor(name + RESTS);
    if (rests.isPresent()) {
      double[] both = values(file, rests.get());
      for (int i = 0; i < squares.length && both.length == 2 * squares.length; i++) {
        squares[i] = squares[i] + both[i] + both[squares.length + i];
      }
    }
    double count = values(file, counts)[0];
    check(file.path(), name, squares, count);
    return new ImportanceMatrix.Columns(squares, count);
  }

  private static double[] values(GgufFile file, GgufTensor tensor) throws FormatException {
    if (tensor.type() != TensorType.F32 || tensor.elements() > 1 << 24) {
      throw new FormatException(
          "%s: tensor %s: expected at most 2^24 values in F32, found %d in %s"
              .formatted(file.path(), tensor.name(), tensor.elements(), tensor.type()));
    }
    double[] values = new double[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.data().get(TensorType.LITTLE_ENDIAN_FLOAT, 4L * i);
    }
    return values;
  }

  /** Refuses what would turn weights into nonsense. */
  static void check(Path file, String name, double[] sums, double count) throws FormatException {
    boolean sound = count > 0 && Double.isFinite(count);
    for (double sum : sums) {
      sound &= sum >= 0 && Double.isFinite(sum);
    }
    if (!sound) {
      throw new FormatException(
          "%s: the statistics of %s are not sums of squares of at least one input; calibrate again"
              .formatted(file, name));
    }
  }
}
