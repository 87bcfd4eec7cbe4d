package dev.mamba4j.cli;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.evaluate.Estimate;
import dev.mamba4j.evaluate.tasks.BuiltInTasks;
import dev.mamba4j.evaluate.tasks.Evaluation;
import dev.mamba4j.evaluate.tasks.Metric;
import dev.mamba4j.evaluate.tasks.SampleLog;
import dev.mamba4j.evaluate.tasks.Task;
import dev.mamba4j.evaluate.tasks.TaskFile;
import dev.mamba4j.evaluate.tasks.TaskResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How well a model answers the questions of tasks. */
@Command(
    name = "eval",
    description = {
      "Asks a model the questions of tasks, as lm-evaluation-harness 0.4 does.",
      "",
      "The data are JSON lines or Parquet (Snappy, gzip) as they come from the Hugging Face hub;"
          + " HellaSwag also as lm-eval prepares it. In a folder the file of a task is the one"
          + " whose name begins with arc_easy, hellaswag, lambada, piqa or winogrande (ARC-Easy"
          + " counts as arc_easy). Of several, it is the one with the split in its name that"
          + " lm-eval asks: test for arc_easy and lambada, validation for the others.",
      "",
      "A task of your own is a JSON file:",
      "  {\"task\":\"quiz\",\"context\":\"Question: {question}\\nAnswer:\",",
      "   \"choices\":[\"{a}\",\"{b}\"],\"answer\":\"label\",\"metrics\":[\"acc\",\"acc_norm\"]}",
      "See the class TaskFile for the rest."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j eval -m tiny.gguf --tasks arc_easy,piqa --data data",
      "  mamba4j eval -m tiny.gguf --tasks quiz.json --data quiz=quiz.jsonl --samples answers.jsonl"
    })
final class EvalCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ModelChoice model;

  @Option(
      names = "--tasks",
      required = true,
      split = ",",
      paramLabel = "TASK",
      description =
          "arc_easy, hellaswag, lambada_openai, piqa, winogrande, or JSON files that define some.")
  private List<String> names;

  @Option(
      names = "--data",
      required = true,
      split = ",",
      paramLabel = "DIR|TASK=FILE",
      description = "A folder with the files of the tasks; the file, or the folder, of one task.")
  private List<String> data;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Ask the first N questions of each task (default: all).")
  private Integer limit;

  @Option(
      names = "--samples",
      paramLabel = "FILE",
      description = "Log each answer; a later run with the same file goes on where it ended.")
  private Path samples;

  @Option(
      names = "--alone",
      description = "Score each answer by itself: slower, to see what sharing the question saves.")
  private boolean alone;

  @Option(names = "--json", description = "Give the results in the layout of lm-eval.")
  private boolean json;

  EvalCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (limit != null && limit < 1) {
      throw new UsageException("--limit must be 1 or more, not " + limit);
    }
    List<Task> tasks = new ArrayList<>();
    for (String name : names) {
      tasks.add(task(name));
    }
    Map<Task, Path> files = DataChoice.files(tasks, data);
    long start = System.nanoTime();
    List<TaskResult> results = new ArrayList<>();
    try (LanguageModel opened = model.open();
        SampleLog log =
            samples == null ? SampleLog.none() : SampleLog.open(samples, about(opened));
        ProgressBar bar = new ProgressBar(console, rate -> Figures.rate(rate, "questions"))) {
      console.interruption().arm();
      Evaluation evaluation =
          new Evaluation(
              opened, log, (task, done, total) -> bar.update(task.name(), done, total), alone);
      for (Map.Entry<Task, Path> each : files.entrySet()) {
        int most = limit == null ? Integer.MAX_VALUE : limit;
        results.add(evaluation.run(each.getKey(), each.getValue(), most));
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    console.print(
        json
            ? TaskResultsJson.write(results, model.file(), limit, seconds) + "\n"
            : table(results));
    return ExitCode.DONE;
  }

  private static Task task(String name) throws IOException {
    if (name.endsWith(".json")) {
      return TaskFile.read(Path.of(name));
    }
    return BuiltInTasks.find(name)
        .orElseThrow(
            () ->
                new UsageException(
                    "--tasks: \"%s\" is none of %s, and no JSON file that defines one"
                        .formatted(name, known())));
  }

  private static String known() {
    return BuiltInTasks.all().stream().map(Task::name).collect(Collectors.joining(", "));
  }

  /** What answers depend on. */
  private Map<String, Object> about(LanguageModel opened) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("model", model.file().getFileName().toString());
    facts.put("bytes", opened.file().size());
    facts.put("precision", model.precision());
    return facts;
  }

  private static String table(List<TaskResult> results) {
    TextTable table = new TextTable("task", ">questions", "metric", ">value", ">error");
    for (TaskResult result : results) {
      for (Map.Entry<Metric, Estimate> each : result.metrics().entrySet()) {
        table.row(
            result.task().name(),
            Integer.toString(result.items()),
            each.getKey().toString(),
            String.format(Locale.ROOT, "%.4f", each.getValue().value()),
            String.format(Locale.ROOT, "± %.4f", each.getValue().standardError()));
      }
    }
    return table.toString();
  }
}
