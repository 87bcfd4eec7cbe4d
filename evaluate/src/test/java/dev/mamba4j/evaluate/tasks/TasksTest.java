package dev.mamba4j.evaluate.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Prompts and targets as lm-eval 0.4.8 made them of these rows. */
class TasksTest {
  @TempDir private Path folder;

  private static Item item(String task, String row) throws FormatException {
    JsonObject object = JsonObject.of("row", Json.parse(row, "row"));
    return BuiltInTasks.find(task).orElseThrow().item(object);
  }

  @Test
  void asksArcQuestions() throws FormatException {
    Item item =
        item(
            "arc_easy",
            """
            {"question": "What is wet?", "answerKey": "2",
             "choices": {"text": ["sand", "rain"], "label": ["1", "2"]}}\
            """);
    assertThat(item.requests())
        .containsExactly(
            new Request("Question: What is wet?\nAnswer:", " sand"),
            new Request("Question: What is wet?\nAnswer:", " rain"));
    assertThat(item.gold()).isEqualTo(1);
    assertThat(item.lengths()).containsExactly(4, 4);
  }

  @Test
  void asksForThePhysicalGoal() throws FormatException {
    Item item =
        item(
            "piqa",
            "{\"goal\": \"Dry it.\", \"sol1\": \"Sun.\", \"sol2\": \"Snow.\", \"label\": 0}");
    assertThat(item.requests().getLast())
        .isEqualTo(new Request("Question: Dry it.\nAnswer:", " Snow."));
    assertThat(item.gold()).isZero();
  }

  @Test
  void cleansHellaSwagAsItIsPublished() throws FormatException {
    Item item =
        item(
            "hellaswag",
            """
            {"activity_label": "Bread", "ctx_a": "Mix it [header]. [title] Knead.", "ctx_b": "then YOU",
             "endings": ["wait  [step] long.", " [title] eat."], "label": "1"}\
            """);
    assertThat(item.requests())
        .containsExactly(
            new Request("Bread: Mix it .. Knead. Then you", " wait  long."),
            new Request("Bread: Mix it .. Knead. Then you", "  eat."));
    assertThat(item.gold()).isEqualTo(1);
  }

  @Test
  void takesHellaSwagThatIsCleanedAlready() throws FormatException {
    Item item =
        item("hellaswag", "{\"query\": \"Q [x]\", \"choices\": [\"a\", \"bcd\"], \"gold\": 1}");
    assertThat(item.requests().getLast()).isEqualTo(new Request("Q [x]", " bcd"));
    assertThat(item.lengths()).containsExactly(1, 3);
  }

  @Test
  void leavesTheLastWordToBeGuessed() throws FormatException {
    assertThat(item("lambada_openai", "{\"text\": \"It was  dark\"}").requests())
        .containsExactly(new Request("It was ", " dark"));
  }

  @Test
  void fillsTheGap() throws FormatException {
    Item item =
        item(
            "winogrande",
            """
            {"sentence": "I ate it, for _ was ripe.", "option1": "the pear", "option2": "he",
             "answer": "2"}\
            """);
    assertThat(item.requests())
        .containsExactly(
            new Request("I ate it, for the pear", " was ripe."),
            new Request("I ate it, for he", " was ripe."));
    assertThat(item.gold()).isEqualTo(1);
  }

  @Test
  void takesATaskOfOnesOwn() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("quiz.json"),
            """
            {"task": "quiz", "context": "{q.text}?", "choices": "q.options", "answer": "key",
             "labels": ["A", "B"], "metrics": ["acc"]}\
            """);
    Task task = TaskFile.read(file);
    JsonObject row =
        JsonObject.of(
            "row",
            Json.parse(
                "{\"q\": {\"text\": \"Why $1\", \"options\": [\"x\", \"y\"]}, \"key\": \"B\"}",
                "row"));
    assertThat(task.reader().read(row))
        .isEqualTo(
            new Item(
                List.of(new Request("Why $1?", " x"), new Request("Why $1?", " y")),
                List.of(1, 1),
                1));
    assertThat(task.metrics()).containsExactly(Metric.ACC);
    Files.writeString(file, "{\"task\": \"quiz\", \"context\": \"{q}\", \"answer\": \"key\"}");
    assertThatThrownBy(() -> TaskFile.read(file)).hasMessageContaining("\"choices\"");
  }

  @Test
  void dividesByCharacters() {
    Item item = new Item(List.of(new Request("", "a"), new Request("", "b")), List.of(2, 10), 1);
    List<Response> responses = List.of(new Response(-2, false), new Response(-5, false));
    assertThat(Metric.ACC.of(item, responses)).isZero();
    assertThat(Metric.ACC_NORM.of(item, responses)).isEqualTo(1);
  }
}
