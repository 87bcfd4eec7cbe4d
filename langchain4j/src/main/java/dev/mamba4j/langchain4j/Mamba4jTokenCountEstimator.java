package dev.mamba4j.langchain4j;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.model.TokenCountEstimator;
import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.ChatPrompt;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.template.TemplateException;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;

/**
 * Counts tokens by the tokenizer of a model; exact, as the model takes them. It holds no file open,
 * and is safe for use by several threads.
 */
public final class Mamba4jTokenCountEstimator implements TokenCountEstimator {
  private final Tokenizer tokenizer;
  private final ChatFormat format;

  private Mamba4jTokenCountEstimator(OpenModel model) {
    tokenizer = model.tokenizer();
    format = model.chatFormat();
  }

  /** Starts with a file or an opened model. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public int estimateTokenCountInText(String text) {
    return tokenizer.encode(text, false).length;
  }

  /** The tokens up to the end of its turn, were it the first; without marks where none may be. */
  @Override
  public int estimateTokenCountInMessage(ChatMessage message) {
    try {
      int[] ends = prompt(List.of(message)).ends();
      if (ends.length > 0) {
        return ends[0];
      }
    } catch (TemplateException _) {
      // The template knows no conversation that begins so.
    }
    return estimateTokenCountInText(ChatTurns.of(List.of(message)).getFirst().content());
  }

  /** The tokens of the whole prompt, up to where the answer begins. */
  @Override
  public int estimateTokenCountInMessages(Iterable<ChatMessage> messages) {
    return prompt(messages).tokens().length;
  }

  private ChatPrompt prompt(Iterable<ChatMessage> messages) {
    return format.prompt(ChatTurns.of(messages));
  }

  /** Takes the tokenizer of a model. */
  public static final class Builder {
    private Path modelPath;
    private LanguageModel model;

    private Builder() {}

    /** The GGUF file. Either this or {@link #model}. */
    public Builder modelPath(Path value) {
      modelPath = value;
      return this;
    }

    /** An opened model. */
    public Builder model(LanguageModel value) {
      model = value;
      return this;
    }

    /**
     * Reads the tokenizer.
     *
     * @throws dev.langchain4j.exception.ModelNotFoundException if there is no such file
     * @throws dev.langchain4j.exception.LangChain4jException if the file has no tokenizer that is
     *     supported
     */
    public Mamba4jTokenCountEstimator build() {
      try (OpenModel opened = OpenModel.of(modelPath, model, ModelOptions.defaults())) {
        return new Mamba4jTokenCountEstimator(opened);
      }
    }
  }
}
