package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Files with the questions of a task: JSON lines, or Parquet where the name ends so. */
public final class DataFile {
  private static final String PARQUET = ".parquet";
  private static final List<String> ENDINGS = List.of(".jsonl", ".json", PARQUET);

  private DataFile() {}

  /**
   * The file in a folder whose name begins with a task's prefix (case aside, and - for _). Where
   * several do, the one that has the task's split in its name, as a word behind the prefix.
   *
   * @throws FormatException if there is none, or it is not clear which
   */
  public static Path find(Path folder, Task task) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files = all.filter(file -> fits(file, task)).sorted().toList();
    }
    if (files.isEmpty()) {
      throw new FormatException(
          "%s: no file for %s: expected one named %s*%s, or give %s=FILE"
              .formatted(
                  folder,
                  task.name(),
                  task.data().filePrefix(),
                  String.join("|", ENDINGS),
                  task.name()));
    }
    List<Path> ofSplit = files.stream().filter(file -> isOfSplit(file, task)).toList();
    if (ofSplit.size() == 1) {
      return ofSplit.getFirst();
    }
    if (files.size() > 1) {
      throw new FormatException(
          "%s: several files for %s (%s): expected one, or one with the word %s in its name; give %s=FILE"
              .formatted(
                  folder, task.name(), names(files), task.data().split().word(), task.name()));
    }
    return files.getFirst();
  }

  /** Whether a folder has a file whose name begins with a task's prefix. */
  public static boolean has(Path folder, Task task) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.anyMatch(file -> fits(file, task));
    }
  }

  private static String names(List<Path> files) {
    return files.stream()
        .map(file -> file.getFileName().toString())
        .collect(Collectors.joining(", "));
  }

  private static boolean fits(Path file, Task task) {
    return name(file).startsWith(task.data().filePrefix())
        && ENDINGS.stream().anyMatch(name(file)::endsWith)
        && Files.isRegularFile(file);
  }

  private static boolean isOfSplit(Path file, Task task) {
    return task.data().split().isNamedIn(name(file).substring(task.data().filePrefix().length()));
  }

  private static String name(Path file) {
    return file.getFileName().toString().toLowerCase(Locale.ROOT).replace('-', '_');
  }

  /**
   * The rows of a file; each knows its line or number.
   *
   * @throws FormatException naming the line or row if one cannot be read, or if there is none
   */
  static List<JsonObject> read(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new FormatException(file + ": expected a file of questions, found a folder");
    }
    List<JsonObject> rows =
        name(file).endsWith(PARQUET) ? ParquetRows.read(file) : JsonRows.read(file);
    if (rows.isEmpty()) {
      throw new FormatException(
          file + ": expected rows of questions, found none; give the file of another split");
    }
    return rows;
  }
}
