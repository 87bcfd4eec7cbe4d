package dev.mamba4j.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.language.LanguageModel;
import dev.langchain4j.model.output.Response;
import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.Session;
import java.util.List;

/**
 * Continues texts with a Mamba-2 model in this process, as it was trained to. Safe for use by
 * several threads, which share the processors.
 */
public final class Mamba4jLanguageModel implements LanguageModel, AutoCloseable {
  private final GenerationOptions options;
  private final OpenModel model;

  private Mamba4jLanguageModel(Builder builder) {
    ChatRequestParameters parameters = builder.parameters();
    options = builder.sampling().options(parameters, List.of());
    model = builder.open();
  }

  /** Starts with a file or an opened model. */
  public static Builder builder() {
    return new Builder();
  }

  /** The continuation of a text, in which special tokens are text like any other. */
  @Override
  public Response<String> generate(String prompt) {
    int[] tokens = model.tokenizer().encode(prompt, false);
    Generation generation = model.generate(tokens, options, Session.TextListener.NONE);
    return Response.from(
        generation.text(), Answers.usage(tokens, generation), Answers.finishReason(generation));
  }

  /**
   * Ends the texts that are generated, with an {@link IllegalStateException} for those who wait,
   * and frees the model if this one opened it.
   */
  @Override
  public void close() {
    model.close();
  }

  /** Collects what the model is made from. */
  public static final class Builder extends ModelBuilder<Builder> {
    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

    /** Opens the model. */
    public Mamba4jLanguageModel build() {
      return new Mamba4jLanguageModel(this);
    }
  }
}
