package dev.mamba4j.serve;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The small model of the repository, opened once for all tests. */
final class ServedModel {
  private static LanguageModel model;

  private ServedModel() {}

  static synchronized LanguageModel open() throws IOException {
    if (model == null) {
      Path checkpoint = Path.of(System.getProperty("mamba4j.root"), "models", "tiny");
      Path file = Files.createTempDirectory("mamba4j").resolve("tiny.gguf");
      try (ModelSource source = ModelWriter.open(checkpoint)) {
        ModelWriter.write(
            source, Plan.uniform(source, TensorType.F32), file, ModelWriter.Progress.NONE);
      }
      file.toFile().deleteOnExit();
      file.getParent().toFile().deleteOnExit();
      model = LanguageModel.open(file, new ModelOptions(2, Precision.FAST, Optional.empty()));
    }
    return model;
  }
}
