package dev.mamba4j.cli;

import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.evaluate.tasks.BuiltInTasks;
import dev.mamba4j.evaluate.tasks.DataFile;
import dev.mamba4j.evaluate.tasks.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a report measures, and how thoroughly. */
final class ReportOptions {
  private static final int MOST_TOKENS = 100_000;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description = "Text for perplexity and divergence (default: neither).")
  private Path text;

  @Option(
      names = "--chunks",
      paramLabel = "N",
      description = "Windows of 512 tokens of it at most (default ${DEFAULT-VALUE}).")
  private int windows = 32;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Folder with the questions of tasks, as eval takes it (default: no tasks).")
  private Path data;

  @Option(
      names = "--tasks",
      split = ",",
      paramLabel = "TASK",
      description = "Tasks to ask (default: all whose data are in the folder).")
  private List<String> tasks;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "The first N questions of each task (default: all).")
  private Integer limit;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "What each model continues (default \"${DEFAULT-VALUE}\").")
  private String prompt = "Once upon a time";

  @Option(
      names = {"-n", "--predict"},
      paramLabel = "N",
      description = "Tokens of that text (default ${DEFAULT-VALUE}).")
  private int tokens = 80;

  @Option(
      names = "-r",
      paramLabel = "N",
      description = "Repeats of each measurement of speed (default ${DEFAULT-VALUE}).")
  private int repeats = 3;

  @Mixin private ThreadChoice threads;

  /** The defaults, to measure on a text. */
  static ReportOptions on(Path text, String prompt) {
    ReportOptions options = new ReportOptions();
    options.text = text;
    options.prompt = prompt;
    options.threads = new ThreadChoice();
    return options;
  }

  /** Complains of what makes no sense, before anything is measured. */
  void check() throws IOException {
    positive("--chunks", windows);
    positive("-n", tokens);
    positive("-r", repeats);
    if (limit != null) {
      positive("--limit", limit);
    }
    if (prompt.isEmpty()) {
      throw new UsageException("--prompt must not be empty");
    }
    if (tasks != null && data == null) {
      throw new UsageException("--tasks needs --data DIR, the folder with their questions");
    }
    if (data != null && !Files.isDirectory(data)) {
      throw new NotDirectoryException(data.toString());
    }
    if (text != null) {
      String _ = TextChoice.read(text);
    }
    ModelOptions _ = modelOptions();
  }

  private static void positive(String option, int value) {
    if (value < 1 || value > MOST_TOKENS) {
      throw new UsageException("%s must be 1 to %d, not %d".formatted(option, MOST_TOKENS, value));
    }
  }

  Optional<Path> text() {
    return Optional.ofNullable(text);
  }

  int windows() {
    return windows;
  }

  Optional<Path> data() {
    return Optional.ofNullable(data);
  }

  /** The tasks to ask; none without data. */
  List<String> tasks() throws IOException {
    if (data == null || tasks != null) {
      return data == null ? List.of() : tasks;
    }
    List<String> found = new ArrayList<>();
    for (Task task : BuiltInTasks.all()) {
      if (DataFile.has(data, task)) {
        found.add(task.name());
      }
    }
    return found;
  }

  /** Asks these, unless others were named. */
  void defaultTasks(List<String> names) {
    if (tasks == null && data != null) {
      tasks = names;
    }
  }

  Optional<Integer> limit() {
    return Optional.ofNullable(limit);
  }

  String prompt() {
    return prompt;
  }

  int tokens() {
    return tokens;
  }

  int repeats() {
    return repeats;
  }

  ModelOptions modelOptions() {
    return threads.options();
  }
}
