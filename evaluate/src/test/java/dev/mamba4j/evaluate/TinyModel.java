package dev.mamba4j.evaluate;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The small model of the repository, and its predictions token by token. */
public final class TinyModel {
  static final Path CHECKPOINT = Path.of(System.getProperty("mamba4j.root"), "models", "tiny");

  private TinyModel() {}

  /** Files that lie beside the repository, where they do. */
  public static Path shared(String name) {
    return Path.of(System.getProperty("mamba4j.root")).resolveSibling("shared").resolve(name);
  }

  static LanguageModel open(Path folder, TensorType type) throws IOException {
    Path file = folder.resolve("tiny-" + type + ".gguf");
    if (!Files.exists(file)) {
      try (ModelSource source = ModelWriter.open(CHECKPOINT)) {
        ModelWriter.write(source, Plan.uniform(source, type), file, ModelWriter.Progress.NONE);
      }
    }
    return open(file, Precision.FLOAT);
  }

  /** A file with a precision, on two threads. */
  public static LanguageModel open(Path file, Precision precision) throws IOException {
    return LanguageModel.open(file, new ModelOptions(2, precision, Optional.empty()));
  }

  /** Probabilities after each token, by single steps: (tokens, vocabulary). */
  static double[][] probabilities(LanguageModel model, int[] tokens) {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    double[][] all = new double[tokens.length][logits.length];
    try (Mamba2State state = model.mamba2().newState()) {
      for (int i = 0; i < tokens.length; i++) {
        model.mamba2().step(state, tokens[i], logits);
        double sum = 0;
        for (float logit : logits) {
          sum += Math.exp(logit);
        }
        for (int k = 0; k < logits.length; k++) {
          all[i][k] = Math.exp(logits[k]) / sum;
        }
      }
    }
    return all;
  }
}
