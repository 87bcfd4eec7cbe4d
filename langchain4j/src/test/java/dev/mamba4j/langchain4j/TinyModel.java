package dev.mamba4j.langchain4j;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.sampling.SamplingOptions;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The small model of the repository, and what it answers when the engine is asked. */
final class TinyModel {
  static final List<ChatMessage> MESSAGES =
      List.of(
          SystemMessage.from("A child asks for stories."), UserMessage.from("Tell me of a dog."));

  /** The same messages as the model is to read them, turn by turn. */
  private static final List<String> PROMPT =
      List.of("A child asks for stories.\n", "\nUser: Tell me of a dog.", "\nAssistant:");

  private static Path file;
  private static LanguageModel model;

  private TinyModel() {}

  static synchronized Path file() throws IOException {
    if (file == null) {
      Path checkpoint = Path.of(System.getProperty("mamba4j.root"), "models", "tiny");
      file = Files.createTempDirectory("mamba4j").resolve("tiny.gguf");
      file.getParent().toFile().deleteOnExit();
      file.toFile().deleteOnExit();
      try (ModelSource source = ModelWriter.open(checkpoint)) {
        ModelWriter.write(
            source, Plan.uniform(source, TensorType.F32), file, ModelWriter.Progress.NONE);
      }
    }
    return file;
  }

  static synchronized LanguageModel model() throws IOException {
    if (model == null) {
      model = LanguageModel.open(file(), ModelOptions.defaults());
    }
    return model;
  }

  static int promptTokens() throws IOException {
    int tokens = 0;
    for (String piece : PROMPT) {
      tokens += model().tokenizer().encode(piece, false).length;
    }
    return tokens;
  }

  /** The answer to {@link #MESSAGES}. */
  static String answer(SamplingOptions sampling, int maxTokens) throws IOException {
    try (Session session = model().newSession()) {
      for (String piece : PROMPT) {
        session.read(model().tokenizer().encode(piece, false), PrefillListener.NONE);
      }
      GenerationOptions options =
          new GenerationOptions(maxTokens, sampling, List.of("\nUser:"), false);
      return session.generate(options).text().stripLeading();
    }
  }
}
