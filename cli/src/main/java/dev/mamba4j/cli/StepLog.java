package dev.mamba4j.cli;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What has been measured, a line of JSON each, written as soon as it is known: a report that was
 * cut short goes on from there.
 */
final class StepLog {
  private static final String STEP = "step";
  private static final String RESULT = "result";

  private final Path file;
  private final Map<Object, JsonObject> known = new LinkedHashMap<>();

  private StepLog(Path file) {
    this.file = file;
  }

  /** Measures something. */
  @FunctionalInterface
  interface Step {
    /** Does it; the result is kept only if it is whole. */
    Map<String, Object> run() throws IOException;
  }

  /** Opens a log, new or not; a line that was cut short is as good as none. */
  static StepLog open(Path file) throws IOException {
    StepLog log = new StepLog(file);
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file)) {
        try {
          JsonObject row = JsonObject.of(file.toString(), Json.parse(line, file.toString()));
          log.known.put(row.list(STEP), row.object(RESULT));
        } catch (FormatException _) {
          // Measured again.
        }
      }
    }
    return log;
  }

  /** Whether a step need not be done again. */
  boolean knows(List<String> step) {
    return known.containsKey(step);
  }

  /**
   * The result of a step, from the log or else from doing it.
   *
   * @param step what is measured, of what and how
   */
  JsonObject of(List<String> step, Step todo) throws IOException {
    JsonObject result = known.get(step);
    if (result == null) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put(STEP, step);
      row.put(RESULT, todo.run());
      String line = Json.write(row);
      Files.writeString(
          file, "\n" + line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      result = JsonObject.of(file.toString(), Json.parse(line, file.toString())).object(RESULT);
      known.put(step, result);
    }
    return result;
  }
}
