package dev.mamba4j.cli;

import dev.mamba4j.evaluate.Estimate;
import dev.mamba4j.evaluate.tasks.Metric;
import dev.mamba4j.evaluate.tasks.TaskResult;
import dev.mamba4j.formats.json.Json;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Results in the layout of lm-eval's JSON. */
final class TaskResultsJson {
  /** Answers are taken as they are; lm-eval calls that filter none. */
  private static final String FILTER = ",none";

  private TaskResultsJson() {}

  static String write(List<TaskResult> all, Path model, Integer limit, double seconds) {
    Map<String, Object> results = new LinkedHashMap<>();
    Map<String, Object> shots = new LinkedHashMap<>();
    Map<String, Object> better = new LinkedHashMap<>();
    Map<String, Object> samples = new LinkedHashMap<>();
    for (TaskResult result : all) {
      String name = result.task().name();
      results.put(name, metrics(result));
      shots.put(name, 0);
      better.put(name, higherIsBetter(result));
      Map<String, Object> counts = new LinkedHashMap<>();
      counts.put("original", result.rows());
      counts.put("effective", result.items());
      samples.put(name, counts);
    }
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model", "mamba4j");
    config.put("model_args", "pretrained=" + model);
    config.put("limit", limit);
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("results", results);
    document.put("n-shot", shots);
    document.put("higher_is_better", better);
    document.put("n-samples", samples);
    document.put("config", config);
    document.put("total_evaluation_time_seconds", seconds);
    return Json.write(document);
  }

  private static Map<String, Object> metrics(TaskResult result) {
    Map<String, Object> metrics = new LinkedHashMap<>();
    metrics.put("alias", result.task().name());
    for (Map.Entry<Metric, Estimate> each : result.metrics().entrySet()) {
      metrics.put(each.getKey() + FILTER, each.getValue().value());
      metrics.put(each.getKey() + "_stderr" + FILTER, each.getValue().standardError());
    }
    return metrics;
  }

  private static Map<String, Object> higherIsBetter(TaskResult result) {
    Map<String, Object> better = new LinkedHashMap<>();
    for (Metric metric : result.metrics().keySet()) {
      better.put(metric.toString(), metric != Metric.PERPLEXITY);
    }
    return better;
  }
}
