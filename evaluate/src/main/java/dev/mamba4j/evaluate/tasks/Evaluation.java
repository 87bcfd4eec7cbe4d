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
    for (int from = 0; from < items.size(); ) {
      int to = togetherEnd(items, from);
      List<List<Response>> responses = responses(task, from, items.subList(from, to));
      for (int i = from; i < to; i++) {
        for (int m = 0; m < samples.length; m++) {
          samples[m][i] = task.metrics().get(m).of(items.get(i), responses.get(i - from));
        }
        progress.report(task, i + 1, items.size());
      }
      from = to;
    }
    Map<Metric, Estimate> metrics = new LinkedHashMap<>();
    for (int m = 0; m < samples.length; m++) {
      Metric metric = task.metrics().get(m);
      metrics.put(metric, metric.aggregate(samples[m]));
    }
    return new TaskResult(task, data, rows.size(), items.size(), metrics);
  }

  /** Where the questions end that are asked together with the one at {@code from}. */
  private int togetherEnd(List<Item> items, int from) {
    int left = alone ? 0 : scorer.bestCount();
    int to = from;
    do {
      left -= items.get(to).requests().size();
      to++;
    } while (to < items.size() && items.get(to).requests().size() <= left);
    return to;
  }

  /**
   * The answers to some questions.
   *
   * @param first number of the first
   */
  private List<List<Response>> responses(Task task, int first, List<Item> items)
      throws IOException {
    List<Optional<List<Response>>> known = new ArrayList<>();
    List<Request> asked = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      known.add(log.find(task, first + i, items.get(i)));
      if (known.get(i).isEmpty()) {
        asked.addAll(items.get(i).requests());
      }
    }
    List<Response> answers = alone ? oneByOne(asked) : scorer.score(asked);
    List<List<Response>> all = new ArrayList<>();
    int at = 0;
    for (int i = 0; i < items.size(); i++) {
      List<Response> responses = known.get(i).orElse(null);
      if (responses == null) {
        int end = at + items.get(i).requests().size();
        responses = answers.subList(at, end);
        at = end;
        log.add(task, first + i, items.get(i), responses);
      }
      all.add(responses);
    }
    return all;
  }

  private List<Response> oneByOne(List<Request> requests) throws IOException {
    List<Response> responses = new ArrayList<>();
    for (Request request : requests) {
      responses.addAll(scorer.score(List.of(request)));
    }
    return responses;
  }
}
