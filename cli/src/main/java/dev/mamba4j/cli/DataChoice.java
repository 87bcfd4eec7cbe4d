package dev.mamba4j.cli;

import dev.mamba4j.evaluate.tasks.DataFile;
import dev.mamba4j.evaluate.tasks.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which file each task takes its questions from: what {@code --data} says. */
final class DataChoice {
  private DataChoice() {}

  /**
   * The file of each task, in their order.
   *
   * @param places pairs TASK=FILE or TASK=FOLDER, and a folder for the tasks that have none
   * @throws UsageException if a place is neither, or a task is left without one
   * @throws dev.mamba4j.formats.FormatException if a folder has no file for a task, or several
   */
  static Map<Task, Path> files(List<Task> tasks, List<String> places) throws IOException {
    Map<Task, Path> given = new LinkedHashMap<>();
    Path folder = null;
    for (String place : places) {
      if (Files.isDirectory(Path.of(place))) {
        if (folder != null) {
          throw new UsageException(
              "--data: expected one folder, found %s and %s; give TASK=%s for some tasks"
                  .formatted(folder, place, place));
        }
        folder = Path.of(place);
      } else {
        Task task = named(tasks, place);
        given.put(task, Path.of(place.substring(task.name().length() + 1)));
      }
    }
    Map<Task, Path> files = new LinkedHashMap<>();
    for (Task task : tasks) {
      Path place = given.getOrDefault(task, folder);
      if (place == null) {
        throw new UsageException(
            "--data: nothing for %s; give a folder, or %s=FILE"
                .formatted(task.name(), task.name()));
      }
      files.put(task, Files.isDirectory(place) ? DataFile.find(place, task) : place);
    }
    return files;
  }

  private static Task named(List<Task> tasks, String place) {
    return tasks.stream()
        .filter(task -> place.startsWith(task.name() + "="))
        .findFirst()
        .orElseThrow(
            () ->
                new UsageException(
                    "--data: \"%s\" is no folder, and no TASK=FILE with a task of --tasks"
                        .formatted(place)));
  }
}
