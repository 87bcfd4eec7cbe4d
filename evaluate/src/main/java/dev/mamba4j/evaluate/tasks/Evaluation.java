package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.evaluate.Estimate;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Asks a model the questions of tasks. */
public final class Evaluation {
  private final RequestScorer scorer;
  private final SampleLog log;
  private final Progress progress;
  private final boolean alone;

  /** Follows an evaluation. */
  @FunctionalInterface
  public interface Progress {
    /** Says nothing. */
    Progress NONE = (task, done, total) -> {};

    /** Called after each question. */
    void report(Task task, int done, int total);
  }

  /**
   * @param log knows the answers of an earlier run, and keeps those of this one
   */
  public Evaluation(LanguageModel model, SampleLog log, Progress progress) {
    this(model, log, progress, false);
  }

  /**
   * As above.
   *
   * @param alone scores each answer to a question by itself, which gives the same and takes longer:
   *     to see what it saves to read the question once
   */
  public Evaluation(LanguageModel model, SampleLog log, Progress progress, boolean alone) {
    this.alone = alone;
    scorer = new RequestScorer(model);
    this.log = log;
    this.progress = progress;
  }

  /**
   * Asks the questions of a task.
   *
   * @param limit how many at most, from the start of the file
   * @throws FormatException naming file and line if the data is not as the task demands, or if the
   *     model has no tokenizer
   * @throws java.io.InterruptedIOException if the thread is interrupted
   */
  public TaskResult run(Task task, Path data, int limit) throws IOException {
    List<JsonObject> rows = DataFile.read(data);
    List<Item> items = new ArrayList<>(); // all at first: a bad row shall not cost an hour
    for (JsonObject row : rows.subList(0, Math.min(limit, rows.size()))) {
      items.add(task.item(row));
    }
    double[][] samples = new double[task.metrics().size()][items.size()];
    for (int i = 0; i < items.size(); i++) {
      List<Response> responses = responses(task, i, items.get(i));
      for (int m = 0; m < samples.length; m++) {
        samples[m][i] = task.metrics().get(m).of(items.get(i), responses);
      }
      progress.report(task, i + 1, items.size());
    }
    Map<Metric, Estimate> metrics = new LinkedHashMap<>();
    for (int m = 0; m < samples.length; m++) {
      Metric metric = task.metrics().get(m);
      metrics.put(metric, metric.aggregate(samples[m]));
    }
    return new TaskResult(task, data, rows.size(), items.size(), metrics);
  }

  private List<Response> responses(Task task, int number, Item item) throws IOException {
    Optional<List<Response>> known = log.find(task, number, item);
    if (known.isPresent()) {
      return known.get();
    }
    List<Response> responses = alone ? oneByOne(item) : scorer.score(item.requests());
    log.add(task, number, item, responses);
    return responses;
  }

  private List<Response> oneByOne(Item item) throws IOException {
    List<Response> responses = new ArrayList<>();
    for (Request request : item.requests()) {
      responses.addAll(scorer.score(List.of(request)));
    }
    return responses;
  }
}
