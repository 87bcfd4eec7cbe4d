package dev.mamba4j.compress;

import dev.mamba4j.engine.Clipping;
import dev.mamba4j.engine.Mamba2Config;
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
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A plan as a JSON file, which can be read, edited and applied:
 *
 * <pre>{@code
 * {"model": "tiny.gguf", "goal": "at most 2534080 bytes",
 *  "transforms": ["scale"],
 *  "clipping": {"out_proj": [3.5, null, …], "ssm_x": [null, …]},
 *  "tensors": {
 *   "token_embd.weight": {"type": "Q5_K", "bytes": 720896, "reason": "…", "nats": 0.0021},
 *   …}}
 * }</pre>
 *
 * It names the matrices; all other tensors are float32. Bytes are for the reader only. Transforms
 * are found again, by the same importance matrix the same.
 */
public final class PlanFile {
  private static final String MODEL = "model";
  private static final String GOAL = "goal";
  private static final String TRANSFORMS = "transforms";
  private static final String CLIPPING = "clipping";
  private static final String OUT_PROJ = "out_proj";
  private static final String SSM_X = "ssm_x";
  private static final String TENSORS = "tensors";
  private static final String BYTES = "bytes";
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
        fields.put(BYTES, choice.type().byteSize(tensor.info().elements()));
        if (!choice.reason().isEmpty()) {
          fields.put(REASON, choice.reason());
        }
        choice.nats().ifPresent(nats -> fields.put(NATS, nats));
        lines.add("  " + Json.write(tensor.name()) + ": " + Json.write(fields));
      }
    }
    List<String> fields = new ArrayList<>();
    fields.add(field(MODEL, Json.write(source.name())));
    fields.add(field(GOAL, Json.write(plan.goal())));
    if (!source.transforms().isEmpty()) {
      fields.add(field(TRANSFORMS, Json.write(source.transforms())));
    }
    plan.clipping().ifPresent(limits -> fields.add(field(CLIPPING, Json.write(object(limits)))));
    fields.add(field(TENSORS, "{\n" + String.join(",\n", lines) + "\n }"));
    return "{\n" + String.join(",\n", fields) + "\n}\n";
  }

  private static String field(String name, String value) {
    return " \"" + name + "\": " + value;
  }

  /** JSON knows no infinity: no limit is null there. */
  private static Map<String, Object> object(Clipping limits) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put(OUT_PROJ, list(limits.outProj()));
    fields.put(SSM_X, list(limits.ssmX()));
    return fields;
  }

  private static List<Float> list(float[] limits) {
    List<Float> list = new ArrayList<>();
    for (float limit : limits) {
      list.add(limit);
    }
    return list;
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
    Optional<JsonObject> clipping = plan.optionalObject(CLIPPING);
    return new Plan(
        choices,
        plan.optionalString(GOAL).filter(goal -> !goal.isEmpty()).orElse("a plan of one's own"),
        clipping.isEmpty() ? Optional.empty() : Optional.of(clipping(clipping.get(), source)));
  }

  private static Clipping clipping(JsonObject fields, ModelSource source) throws FormatException {
    int layers = Mamba2Config.layers(source.metadata());
    return new Clipping(limits(fields, OUT_PROJ, layers), limits(fields, SSM_X, layers));
  }

  private static float[] limits(JsonObject fields, String name, int layers) throws FormatException {
    List<?> list = fields.list(name);
    float[] limits = new float[layers];
    for (int i = 0; i < layers; i++) {
      Object limit = i < list.size() ? list.get(i) : "";
      limits[i] =
          switch (limit) {
            case null -> Float.POSITIVE_INFINITY;
            case Number number -> number.floatValue();
            default -> Float.NaN;
          };
      if (list.size() != layers || !(limits[i] > 0)) {
        throw new FormatException(
            "%s: field \"%s\": expected for each of %d layers a limit above 0, or null for none"
                .formatted(fields.where(), name, layers));
      }
    }
    return limits;
  }

  /**
   * The transforms of a plan, by name.
   *
   * @throws FormatException if it is not a plan
   */
  public static List<String> transforms(Path file) throws IOException {
    JsonObject plan = Json.read(file);
    return plan.has(TRANSFORMS)
        ? plan.list(TRANSFORMS).stream().map(String::valueOf).toList()
        : List.of();
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
