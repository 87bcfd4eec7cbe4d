package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.util.List;

/**
 * A set of questions of one kind.
 *
 * @param name as lm-eval has it
 * @param version of the definition, as lm-eval counts them
 * @param data where its questions are
 * @param metrics what is told of the answers
 * @param reader makes an item from a row of a file with questions
 */
public record Task(
    String name, double version, TaskData data, List<Metric> metrics, Reader reader) {
  /** Keeps the metrics from changing. */
  public Task {
    metrics = List.copyOf(metrics);
  }

  /**
   * The item of a row.
   *
   * @throws FormatException naming the row, what is wrong with it and what rows are like
   */
  Item item(JsonObject row) throws FormatException {
    try {
      return reader.read(row);
    } catch (FormatException e) {
      throw new FormatException(
          "%s; a row of %s is like %s".formatted(e.getMessage(), name, data.example()), e);
    }
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
