package dev.mamba4j.compress;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * A plan as a JSON file, which can be read, edited and applied:
 *
 * <pre>{@code
 * {"model": "tiny.gguf", "goal": "at most 2534080 bytes",
 *  "tensors": {
 *   "token_embd.weight": {"type": "Q5_K", "reason": "…", "nats": 0.0021},
 *   …}}
 * }</pre>
 *
 * It names the matrices; all other tensors are float32.
 */
public final class PlanFile {
  private static final String MODEL = "model";
  private static final String GOAL = "goal";
  private static final String TENSORS = "tensors";
  private static final String TYPE = "type";
  private static final String REASON = "reason";
  private static final String NATS = "nats";

  private PlanFile() {}

  /** Writes a plan, a tensor a line. */
  public static void write(Path file, ModelSource source, Plan plan) throws IOException {
    Files.writeString(file, text(source, plan), StandardCharsets.UTF_8);
  }

  /** The text of a plan, a tensor a line. */
  public static String text(ModelSource source, Plan plan) {
    List<String> lines = new ArrayList<>();
    for (SourceTensor tensor : source.tensors()) {
      if (tensor.isMatrix()) {
        Choice choice = plan.choice(tensor);
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put(TYPE, choice.type().name());
        if (!choice.reason().isEmpty()) {
          fields.put(REASON, choice.reason());
        }
        choice.nats().ifPresent(nats -> fields.put(NATS, nats));
        lines.add("  " + Json.write(tensor.name()) + ": " + Json.write(fields));
      }
    }
    return "{%n \"%s\": %s,%n \"%s\": %s,%n \"%s\": {%n%s%n }%n}%n"
        .formatted(
            MODEL,
            Json.write(source.name()),
            GOAL,
            Json.write(plan.goal()),
            TENSORS,
            String.join(",\n", lines))
        .replace(System.lineSeparator(), "\n");
  }

  /**
   * Reads a plan for a model.
   *
   * @throws FormatException if it is not a plan, lacks a matrix, names one that is not there, or a
   *     type that cannot be written or does not fit the rows
   */
  public static Plan read(Path file, ModelSource source) throws IOException {
    JsonObject plan = Json.read(file);
    Map<String, Object> left = new LinkedHashMap<>(plan.object(TENSORS).fields());
    Map<String, Choice> choices = new LinkedHashMap<>();
    for (SourceTensor tensor : source.tensors()) {
      if (tensor.isMatrix()) {
        String where = file + ": " + tensor.name();
        if (!left.containsKey(tensor.name())) {
          throw new FormatException(
              where + ": the plan does not name it; name every matrix of " + source.name());
        }
        choices.put(
            tensor.name(), choice(JsonObject.of(where, left.remove(tensor.name())), tensor));
      } else {
        choices.put(tensor.name(), Choice.of(TensorType.F32));
      }
    }
    if (!left.isEmpty()) {
      throw new FormatException(
          "%s: %s is not a matrix of %s"
              .formatted(file, left.keySet().iterator().next(), source.name()));
    }
    return new Plan(
        choices,
        plan.optionalString(GOAL).filter(goal -> !goal.isEmpty()).orElse("a plan of one's own"));
  }

  private static Choice choice(JsonObject fields, SourceTensor tensor) throws FormatException {
    String name = fields.string(TYPE);
    TensorType type =
        TensorType.ofName(name)
            .filter(TensorType::canEncode)
            .orElseThrow(
                () ->
                    new FormatException(
                        "%s: \"%s\" is not a type that is written; there are %s"
                            .formatted(fields.where(), name, TensorType.encodable())));
    if (tensor.info().columns() % type.blockSize() != 0) {
      throw new FormatException(
          "%s: rows of %d values are not whole %s blocks of %d; choose another type"
              .formatted(fields.where(), tensor.info().columns(), type, type.blockSize()));
    }
    OptionalDouble nats =
        fields.has(NATS) ? OptionalDouble.of(fields.number(NATS, 0)) : OptionalDouble.empty();
    return new Choice(type, fields.optionalString(REASON).orElse(""), nats);
  }
}
