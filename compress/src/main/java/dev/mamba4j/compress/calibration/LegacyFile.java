package dev.mamba4j.compress.calibration;

import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The importance matrix of llama.cpp before it took to GGUF ({@code .dat}), little-endian: the
 * number of entries; for each the length of its name, the name, the number of calls, the number of
 * values, and values whose quotient by the calls is the mean square; then, in files that have it,
 * the number of chunks and the length and the name of the text.
 */
final class LegacyFile {
  private static final int MAGIC = 4;
  private static final long MOST_BYTES = 1 << 30;
  private static final int LONGEST_NAME = 127;

  private final Path file;
  private final ByteBuffer in;

  private LegacyFile(Path file) throws IOException {
    this.file = file;
    in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Whether the file is this rather than GGUF: by its name, unless the first bytes say GGUF. */
  static boolean isOne(Path file) throws IOException {
    if (!file.toString().endsWith(".dat") || !Files.isRegularFile(file)) {
      return false;
    }
    try (InputStream start = Files.newInputStream(file)) {
      byte[] magic = start.readNBytes(MAGIC);
      return !new String(magic, StandardCharsets.ISO_8859_1).equals("GGUF");
    }
  }

  static ImportanceMatrix read(Path file) throws IOException {
    if (Files.size(file) > MOST_BYTES) {
      throw new FormatException(file + ": expected an importance matrix, found more than 1 GiB");
    }
    LegacyFile legacy = new LegacyFile(file);
    try {
      return legacy.matrix();
    } catch (BufferUnderflowException e) {
      throw new FormatException(file + ": not an importance matrix, or one that was cut short", e);
    }
  }

  private ImportanceMatrix matrix() throws FormatException {
    int count = number("number of entries", 1, 1 << 20);
    Map<String, ImportanceMatrix.Columns> entries = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      String name = text(number("length of a name", 1, LONGEST_NAME));
      int calls = number("number of calls of " + name, 1, Integer.MAX_VALUE);
      double[] sums = new double[number("number of values of " + name, 1, in.remaining() / 4)];
      for (int j = 0; j < sums.length; j++) {
        sums[j] = in.getFloat();
      }
      ImportanceFile.check(file, name, sums, calls);
      entries.put(name, new ImportanceMatrix.Columns(sums, calls));
    }
    int chunks = in.remaining() >= Integer.BYTES ? in.getInt() : 0;
    List<String> datasets = new ArrayList<>();
    if (in.remaining() >= Integer.BYTES) {
      datasets.add(text(number("length of the text's name", 0, in.remaining())));
    }
    return new ImportanceMatrix(datasets, Math.max(0, chunks), 0, new TreeMap<>(entries));
  }

  private int number(String what, int least, int most) throws FormatException {
    int at = in.position();
    int number = in.getInt();
    if (number < least || number > most) {
      throw new FormatException(
          "%s: not an importance matrix: at byte %d: %s: expected %d to %d, found %d"
              .formatted(file, at, what, least, most, number));
    }
    return number;
  }

  private String text(int length) {
    byte[] bytes = new byte[length];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
