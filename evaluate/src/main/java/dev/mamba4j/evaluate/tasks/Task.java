package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.util.List;

/**
 * A set of questions of one kind.
 *
 * @param name as lm-eval has it
 * @param filePrefix how the names of files with its questions begin
 * @param metrics what is told of the answers
 * @param reader makes an item from a row of such a file
 */
public record Task(String name, String filePrefix, List<Metric> metrics, Reader reader) {
  /** Keeps the metrics from changing. */
  public Task {
    metrics = List.copyOf(metrics);
  }

  /** Makes items. */
  @FunctionalInterface
  public interface Reader {
    /**
     * The item of a row.
     *
     * @throws FormatException if a field is missing or has another type
     */
    Item read(JsonObject row) throws FormatException;
  }
}
