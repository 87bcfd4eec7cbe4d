package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A task of one's own, defined in a JSON file. {@code {NAME}} in a text stands for a field of the
 * row; {@code {NAME.INNER}} for one of an object in it.
 *
 * <pre>{@code
 * {"task": "my_quiz", "file": "quiz",
 *  "context": "Question: {question}\nAnswer:",
 *  "choices": ["{right}", "{wrong}"],
 *  "answer": "label", "labels": ["A", "B"],
 *  "metrics": ["acc", "acc_norm"]}
 * }</pre>
 *
 * {@code choices} may also be the name of a field that holds them. {@code answer} is the field with
 * the number of the right choice, or with one of the {@code labels} (or of those in the field that
 * {@code labels} names). With {@code "continuation": " {word}"} in place of choices the
 * continuation is to be guessed. {@code file} is how the names of data files begin (the name of the
 * task if absent), {@code version} a number for the results.
 */
public final class TaskFile {
  private static final Pattern FIELD = Pattern.compile("\\{([^{}]+)}");

  private final JsonObject definition;

  private TaskFile(JsonObject definition) {
    this.definition = definition;
  }

  /**
   * Reads a definition.
   *
   * @throws FormatException if a part is missing or makes no sense
   */
  public static Task read(Path file) throws IOException {
    JsonObject definition = Json.read(file);
    String name = definition.string("task");
    definition.string("context");
    boolean guess = definition.has("continuation");
    if (!guess) {
      definition.string("answer");
      if (!definition.has("choices")) {
        throw Rows.wrong(definition, "choices", "the choices (or a \"continuation\")");
      }
    }
    String prefix = definition.optionalString("file").orElse(name).toLowerCase(Locale.ROOT);
    return new Task(
        name,
        definition.number("version", 0),
        new TaskData(prefix, Split.VALIDATION, "its definition says, " + file),
        metrics(definition, guess),
        new TaskFile(definition)::item);
  }

  private static List<Metric> metrics(JsonObject definition, boolean guess) throws FormatException {
    if (!definition.has("metrics")) {
      return guess ? List.of(Metric.PERPLEXITY, Metric.ACC) : List.of(Metric.ACC, Metric.ACC_NORM);
    }
    List<Metric> metrics = new ArrayList<>();
    for (String name : Rows.strings(definition, "metrics", 1)) {
      Metric metric =
          Metric.of(name)
              .orElseThrow(() -> Rows.wrong(definition, "metrics", "acc, acc_norm, perplexity"));
      if (guess ? metric == Metric.ACC_NORM : metric == Metric.PERPLEXITY) {
        throw new FormatException(
            "%s: %s does not go with %s"
                .formatted(definition.where(), name, guess ? "a continuation" : "choices"));
      }
      metrics.add(metric);
    }
    return metrics;
  }

  private Item item(JsonObject row) throws FormatException {
    String context = fill(row, definition.string("context"));
    if (definition.has("continuation")) {
      return Item.guess(context, fill(row, definition.string("continuation")));
    }
    List<String> choices = new ArrayList<>();
    for (String choice : texts(row, "choices")) {
      choices.add(fill(row, choice));
    }
    String answer = definition.string("answer");
    int gold =
        definition.has("labels")
            ? Rows.labelled(row, answer, texts(row, "labels"))
            : Rows.index(row, answer, choices.size());
    return Item.choice(context, choices, gold);
  }

  /** The texts that the definition gives, or those in the field that it names. */
  private List<String> texts(JsonObject row, String name) throws FormatException {
    if (definition.fields().get(name) instanceof List<?>) {
      return Rows.strings(definition, name, 2);
    }
    String path = definition.string(name);
    return Rows.strings(owner(row, path), lastName(path), 2);
  }

  private static String fill(JsonObject row, String template) throws FormatException {
    Matcher matcher = FIELD.matcher(template);
    StringBuilder text = new StringBuilder();
    while (matcher.find()) {
      String path = matcher.group(1);
      String value = owner(row, path).string(lastName(path));
      matcher.appendReplacement(text, Matcher.quoteReplacement(value));
    }
    return matcher.appendTail(text).toString();
  }

  /** The object that holds the last field of a path. */
  private static JsonObject owner(JsonObject row, String path) throws FormatException {
    JsonObject object = row;
    int from = 0;
    for (int dot; (dot = path.indexOf('.', from)) >= 0; from = dot + 1) {
      object = object.object(path.substring(from, dot));
    }
    return object;
  }

  private static String lastName(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }
}
