package dev.mamba4j.cli;

import dev.mamba4j.evaluate.Estimate;
import dev.mamba4j.evaluate.tasks.Metric;
import dev.mamba4j.evaluate.tasks.TaskResult;
import dev.mamba4j.formats.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Results in the layout of the results file of lm-eval 0.4.13. */
final class TaskResultsJson {
  /** Answers are taken as they are; lm-eval calls that filter none. */
  private static final String FILTER = ",none";

  private TaskResultsJson() {}

  /**
   * The document.
   *
   * @param limit questions of each task; null for all
   * @param seconds that it took, until now
   */
  static String write(List<TaskResult> all, Path model, Integer limit, double seconds) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model", "mamba4j");
    config.put("model_args", Map.of("pretrained", model.toString()));
    config.put("limit", limit == null ? null : limit.doubleValue());
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("results", each(all, TaskResultsJson::metrics));
    document.put("group_subtasks", Map.of());
    document.put("configs", each(all, TaskResultsJson::definition));
    document.put("versions", each(all, result -> result.task().version()));
    document.put("n-shot", each(all, _ -> 0));
    document.put("higher_is_better", each(all, TaskResultsJson::higherIsBetter));
    document.put("n-samples", each(all, TaskResultsJson::counts));
    document.put("config", config);
    document.put("date", System.currentTimeMillis() / 1e3 - seconds);
    document.put("model_source", "mamba4j");
    document.put("model_name", model.getFileName().toString());
    document.put("total_evaluation_time_seconds", Double.toString(seconds));
    return Json.write(document);
  }

  private static Map<String, Object> each(List<TaskResult> all, Function<TaskResult, Object> part) {
    Map<String, Object> parts = new LinkedHashMap<>();
    for (TaskResult result : all) {
      parts.put(result.task().name(), part.apply(result));
    }
    return parts;
  }

  private static Map<String, Object> metrics(TaskResult result) {
    Map<String, Object> metrics = new LinkedHashMap<>();
    metrics.put("name", result.task().name());
    metrics.put("alias", result.task().name());
    metrics.put("sample_len", result.items());
    for (Map.Entry<Metric, Estimate> each : result.metrics().entrySet()) {
      double error = each.getValue().standardError();
      metrics.put(each.getKey() + FILTER, each.getValue().value());
      metrics.put(each.getKey() + "_stderr" + FILTER, result.items() > 1 ? error : "N/A");
    }
    return metrics;
  }

  private static Map<String, Object> definition(TaskResult result) {
    boolean guess = result.metrics().containsKey(Metric.PERPLEXITY);
    List<Object> metrics = new ArrayList<>();
    for (Metric metric : result.metrics().keySet()) {
      Map<String, Object> parts = new LinkedHashMap<>();
      parts.put("metric", metric.toString());
      parts.put("aggregation", metric == Metric.PERPLEXITY ? "perplexity" : "mean");
      parts.put("higher_is_better", metric.higherIsBetter());
      metrics.add(parts);
    }
    Map<String, Object> definition = new LinkedHashMap<>();
    definition.put("task", result.task().name());
    definition.put("dataset_path", result.data().toString());
    definition.put("num_fewshot", 0);
    definition.put("metric_list", metrics);
    definition.put("output_type", guess ? "loglikelihood" : "multiple_choice");
    definition.put("metadata", Map.of("version", result.task().version()));
    return definition;
  }

  private static Map<String, Object> higherIsBetter(TaskResult result) {
    Map<String, Object> better = new LinkedHashMap<>();
    for (Metric metric : result.metrics().keySet()) {
      better.put(metric.toString(), metric.higherIsBetter());
    }
    return better;
  }

  private static Map<String, Object> counts(TaskResult result) {
    Map<String, Object> counts = new LinkedHashMap<>();
    counts.put("original", result.rows());
    counts.put("effective", result.items());
    return counts;
  }
}
