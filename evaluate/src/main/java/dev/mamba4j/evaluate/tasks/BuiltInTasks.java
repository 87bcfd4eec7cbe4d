package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The tasks that are known by name, with the prompts of lm-eval's version 1.0 of each. */
public final class BuiltInTasks {
  private static final List<Metric> CHOICE = List.of(Metric.ACC, Metric.ACC_NORM);

  /** What WikiHow left in HellaSwag. */
  private static final Pattern BRACKETS = Pattern.compile("\\[.*?]", Pattern.UNIX_LINES);

  private static final List<Task> ALL =
      List.of(
          task(
              "arc_easy",
              new TaskData(
                  "arc_easy",
                  Split.TEST,
                  "{\"question\":\"…\",\"choices\":{\"text\":[\"…\",\"…\"],\"label\":[\"A\",\"B\"]},"
                      + "\"answerKey\":\"A\"}"),
              CHOICE,
              BuiltInTasks::arc),
          task(
              "hellaswag",
              new TaskData(
                  "hellaswag",
                  Split.VALIDATION,
                  "{\"activity_label\":\"…\",\"ctx_a\":\"…\",\"ctx_b\":\"…\","
                      + "\"endings\":[\"…\",\"…\"],\"label\":\"0\"}"
                      + " or {\"query\":\"…\",\"choices\":[\"…\",\"…\"],\"gold\":0}"),
              CHOICE,
              BuiltInTasks::hellaSwag),
          task(
              "lambada_openai",
              new TaskData("lambada", Split.TEST, "{\"text\":\"…\"}"),
              List.of(Metric.PERPLEXITY, Metric.ACC),
              BuiltInTasks::lambada),
          task(
              "piqa",
              new TaskData(
                  "piqa",
                  Split.VALIDATION,
                  "{\"goal\":\"…\",\"sol1\":\"…\",\"sol2\":\"…\",\"label\":0}"),
              CHOICE,
              BuiltInTasks::piqa),
          task(
              "winogrande",
              new TaskData(
                  "winogrande",
                  Split.VALIDATION,
                  "{\"sentence\":\"… _ …\",\"option1\":\"…\",\"option2\":\"…\",\"answer\":\"1\"}"),
              List.of(Metric.ACC),
              BuiltInTasks::winogrande));

  private BuiltInTasks() {}

  private static Task task(String name, TaskData data, List<Metric> metrics, Task.Reader reader) {
    return new Task(name, 1.0, data, metrics, reader);
  }

  /** All of them. */
  public static List<Task> all() {
    return ALL;
  }

  /** The one of a name. */
  public static Optional<Task> find(String name) {
    return ALL.stream().filter(task -> task.name().equals(name)).findFirst();
  }

  private static Item arc(JsonObject row) throws FormatException {
    JsonObject choices = row.object("choices");
    return Item.choice(
        "Question: " + row.string("question") + "\nAnswer:",
        Rows.strings(choices, "text", 2),
        Rows.labelled(row, "answerKey", Rows.strings(choices, "label", 2)));
  }

  private static Item piqa(JsonObject row) throws FormatException {
    return Item.choice(
        "Question: " + row.string("goal") + "\nAnswer:",
        List.of(row.string("sol1"), row.string("sol2")),
        Rows.index(row, "label", 2));
  }

  /** Rows as they are published, or as lm-eval's preprocessing leaves them. */
  private static Item hellaSwag(JsonObject row) throws FormatException {
    if (row.has("query")) {
      List<String> choices = Rows.strings(row, "choices", 2);
      return Item.choice(row.string("query"), choices, Rows.index(row, "gold", choices.size()));
    }
    String context = row.string("ctx_a") + " " + PythonText.capitalize(row.string("ctx_b"));
    List<String> endings = Rows.strings(row, "endings", 2);
    return Item.choice(
        clean(row.string("activity_label") + ": " + context),
        endings.stream().map(BuiltInTasks::clean).toList(),
        Rows.index(row, "label", endings.size()));
  }

  private static String clean(String text) {
    String plain = PythonText.strip(text).replace(" [title]", ". ");
    return BRACKETS.matcher(plain).replaceAll("").replace("  ", " ");
  }

  private static Item lambada(JsonObject row) throws FormatException {
    String text = row.string("text");
    int space = text.lastIndexOf(' ');
    return Item.guess(space < 0 ? "" : text.substring(0, space), " " + text.substring(space + 1));
  }

  /** Each choice fills the gap; what is scored is the same end of the sentence after either. */
  private static Item winogrande(JsonObject row) throws FormatException {
    String sentence = row.string("sentence");
    int gap = sentence.indexOf('_');
    if (gap < 0) {
      throw Rows.wrong(row, "sentence", "a gap, written _");
    }
    String end = " " + PythonText.strip(sentence.substring(gap + 1));
    List<String> options = List.of(row.string("option1"), row.string("option2"));
    return new Item(
        options.stream().map(each -> new Request(sentence.substring(0, gap) + each, end)).toList(),
        options.stream().map(PythonText::length).toList(),
        Rows.labelled(row, "answer", List.of("1", "2")));
  }
}
