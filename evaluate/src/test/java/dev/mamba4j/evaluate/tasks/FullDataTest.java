package dev.mamba4j.evaluate.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.mamba4j.evaluate.TinyModel;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The data sets as they are published, where they lie beside the repository. */
class FullDataTest {
  private static final Path FOLDER = TinyModel.shared("data/lm-eval");

  /** As many questions as lm-eval asks, each with as many choices as it should have. */
  @ParameterizedTest
  @CsvSource({
    "arc_easy, 2376, 3, 5",
    "hellaswag, 10042, 4, 4",
    "lambada_openai, 5153, 1, 1",
    "piqa, 1838, 2, 2",
  })
  void hasAllQuestions(String name, int count, int fewest, int most) throws IOException {
    assumeTrue(Files.isDirectory(FOLDER), "no data sets in " + FOLDER);
    Task task = BuiltInTasks.find(name).orElseThrow();
    List<JsonObject> rows = DataFile.read(DataFile.find(FOLDER, task));
    assertThat(rows).hasSize(count);
    for (JsonObject row : rows) {
      assertThat(task.item(row).requests().size()).isBetween(fewest, most);
    }
  }
}
