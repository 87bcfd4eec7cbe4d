package dev.mamba4j.compress.calibration;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How large the inputs of each matrix are, column by column: the mean of their squares over a text.
 * An error in a weight does as much harm as the input that it is multiplied with is large. The
 * files are those of llama.cpp's {@code llama-imatrix}, in GGUF; its older binary form is read too.
 *
 * @param datasets what texts the statistics are from
 * @param chunks how many windows of text
 * @param chunkSize tokens of a window; 0 if not known
 * @param entries GGUF name of a matrix to its statistics, in the order of the names
 */
public record ImportanceMatrix(
    List<String> datasets, int chunks, int chunkSize, SortedMap<String, Columns> entries) {
  /** Copies the lists. */
  public ImportanceMatrix {
    datasets = List.copyOf(datasets);
    entries = Collections.unmodifiableSortedMap(new TreeMap<>(entries));
  }

  /**
   * The statistics of one matrix.
   *
   * @param sums (columns) of the squares of inputs
   * @param count how many inputs went into each sum, above 0
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Columns(double[] sums, double count) {
    /** The mean squares: (columns). */
    public float[] means() {
      float[] means = new float[sums.length];
      for (int i = 0; i < means.length; i++) {
        means[i] = (float) (sums[i] / count);
      }
      return means;
    }
  }

  /**
   * Reads a file.
   *
   * @throws FormatException if it is not an importance matrix, or a damaged one
   */
  public static ImportanceMatrix read(Path file) throws IOException {
    return LegacyFile.isOne(file) ? LegacyFile.read(file) : ImportanceFile.read(file).matrix();
  }

  /** Writes a GGUF file, which llama.cpp reads too. */
  public void write(Path file) throws IOException {
    ImportanceFile.write(file, this, Optional.empty());
  }

  /** The mean square of each input of a matrix, or empty if nothing is known of it. */
  public Optional<float[]> means(String matrix) {
    return Optional.ofNullable(entries.get(matrix)).map(Columns::means);
  }

  /** A text that differs for different statistics. */
  public String fingerprint() {
    int hash = 0;
    for (Map.Entry<String, Columns> entry : entries.entrySet()) {
      hash = 31 * hash + entry.getKey().hashCode();
      hash = 31 * hash + Arrays.hashCode(entry.getValue().means());
    }
    return Integer.toHexString(hash);
  }

  /**
   * Checks that the statistics can be those of a model. A matrix without any is fine: llama.cpp
   * leaves the head out.
   *
   * @param where the file that they are from, for the message
   * @param model its tensors
   * @throws FormatException if a matrix is not in the model or has other columns there
   */
  public void check(String where, Stream<GgufTensorInfo> model) throws FormatException {
    Map<String, Long> columns =
        model.collect(Collectors.toMap(GgufTensorInfo::name, GgufTensorInfo::columns));
    for (Map.Entry<String, Columns> entry : entries.entrySet()) {
      Long expected = columns.get(entry.getKey());
      int found = entry.getValue().sums().length;
      if (expected == null) {
        throw other(where, "has tensor " + entry.getKey() + ", which the model has not");
      }
      if (expected != found) {
        throw other(
            where,
            "has %d columns for tensor %s, the model has %d"
                .formatted(found, entry.getKey(), expected));
      }
    }
  }

  private static FormatException other(String where, String difference) {
    return new FormatException(
        "%s: an importance matrix of another model: it %s; make one with mamba4j calibrate"
            .formatted(where, difference));
  }
}
