package dev.mamba4j.cli;

import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufNumbers;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a file says of itself.
 *
 * @param fingerprint tells its weights from others
 * @param vocabulary ids that it takes
 * @param type that most of its weights have
 * @param json for the report
 * @param kernels what it runs on here, and how
 */
record ModelFacts(
    Path file,
    String fingerprint,
    int vocabulary,
    TensorType type,
    Map<String, Object> json,
    String kernels,
    int threads) {
  private static final String GOAL = "mamba4j.plan.goal";

  /** Reads a file. */
  static ModelFacts of(Path file, ModelOptions options) throws IOException {
    try (LanguageModel model = LanguageModel.open(file, options)) {
      WeightCount weights = WeightCount.of(model.file().tensors().stream().map(GgufTensor::info));
      Map<TensorType, Long> types = new EnumMap<>(TensorType.class);
      List<Map<String, Object>> matrices = new ArrayList<>();
      for (GgufTensor tensor : model.file().tensors()) {
        types.merge(tensor.type(), tensor.info().elements(), Long::sum);
        if (SourceTensor.isMatrix(tensor.name())) {
          matrices.add(matrix(tensor));
        }
      }
      addCosts(model.file(), matrices);
      TensorType most =
          types.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("file", file.toString());
      json.put("general_name", model.file().metadata().optionalString("general.name").orElse(null));
      json.put("fingerprint", model.fingerprint());
      json.put("file_bytes", model.file().size());
      json.put("weights", weights.weights());
      json.put("bits_per_weight", weights.bitsPerWeight());
      json.put("type", most.name());
      json.put("goal", model.file().metadata().optionalString(GOAL).orElse(null));
      json.put("matrices", matrices);
      return new ModelFacts(
          file,
          model.fingerprint(),
          model.mamba2().config().vocabulary(),
          most,
          json,
          model.kernels().name() + " (" + model.kernels().description() + ")",
          model.threads());
    }
  }

  /** Adds what the plan says that each matrix costs, if the file holds that. */
  private static void addCosts(GgufFile file, List<Map<String, Object>> matrices)
      throws FormatException {
    if (file.metadata().has(ModelWriter.COSTS_KEY)) {
      GgufNumbers costs = file.metadata().numbers(ModelWriter.COSTS_KEY);
      for (int i = 0; i < Math.min(costs.size(), matrices.size()); i++) {
        matrices.get(i).put("nats", costs.float64(i));
      }
    }
  }

  private static Map<String, Object> matrix(GgufTensor tensor) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", tensor.name());
    fields.put("type", tensor.type().name());
    fields.put("bits", tensor.type().bitsPerWeight());
    fields.put("bytes", tensor.data().byteSize());
    return fields;
  }

  /** The file's name without its ending. */
  String stem() {
    return file.getFileName().toString().replaceFirst("\\.gguf$", "");
  }
}
