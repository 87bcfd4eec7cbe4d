package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Files with the questions of a task: JSON lines, one row a line. */
public final class DataFile {
  private static final List<String> ENDINGS = List.of(".jsonl", ".json");

  private DataFile() {}

  /**
   * The file in a folder whose name begins with a task's prefix. Where several do, the one with the
   * part that is evaluated: test before validation.
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
          "%s: no file for %s: expected one named %s*.jsonl, or give %s=FILE"
              .formatted(folder, task.name(), task.filePrefix(), task.name()));
    }
    for (String part : List.of("test", "validation", "val")) {
      List<Path> parts = files.stream().filter(file -> name(file).contains(part)).toList();
      if (parts.size() == 1) {
        return parts.getFirst();
      }
    }
    if (files.size() > 1) {
      throw new FormatException(
          "%s: several files for %s (%s, %s); give one: %s=FILE"
              .formatted(folder, task.name(), name(files.get(0)), name(files.get(1)), task.name()));
    }
    return files.getFirst();
  }

  private static boolean fits(Path file, Task task) {
    return name(file).startsWith(task.filePrefix())
        && ENDINGS.stream().anyMatch(name(file)::endsWith)
        && Files.isRegularFile(file);
  }

  private static String name(Path file) {
    return file.getFileName().toString().toLowerCase(Locale.ROOT);
  }

  /**
   * The rows of a file; each knows its line.
   *
   * @throws FormatException naming the line if one is not a JSON object, or if there is none
   */
  static List<JsonObject> read(Path file) throws IOException {
    List<JsonObject> rows = new ArrayList<>();
    String[] lines = text(file).split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      if (!lines[i].isBlank()) {
        String where = file + ": line " + (i + 1);
        rows.add(JsonObject.of(where, Json.parse(lines[i], where)));
      }
    }
    if (rows.isEmpty()) {
      throw new FormatException(file + ": expected rows of JSON, one a line, found none");
    }
    return rows;
  }

  private static String text(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new FormatException(file + ": expected a file of JSON lines, found a folder");
    }
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (CharacterCodingException e) {
      throw new FormatException(file + ": expected JSON lines in UTF-8, found other bytes", e);
    }
  }
}
