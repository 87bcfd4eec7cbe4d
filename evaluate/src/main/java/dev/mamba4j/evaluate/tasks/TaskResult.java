package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.evaluate.Estimate;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a model reached in a task.
 *
 * @param data the file with the questions
 * @param rows how many questions that has
 * @param items how many were asked
 * @param metrics in the order of the task
 */
public record TaskResult(Task task, Path data, int rows, int items, Map<Metric, Estimate> metrics) {
  /** Keeps the metrics from changing. */
  public TaskResult {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
  }
}
