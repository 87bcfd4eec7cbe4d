package dev.mamba4j.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import java.nio.file.Path;
import java.util.List;

/**
 * What all models are built from: a file or an opened model, and how tokens are chosen. What is not
 * given is as llama.cpp has it: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05. Building throws
 * {@link IllegalArgumentException} for a value out of range, {@link
 * dev.langchain4j.exception.ModelNotFoundException} for a file that is not there, and {@link
 * dev.langchain4j.exception.LangChain4jException} for one that does not hold a model that runs.
 *
 * @param <B> the builder itself
 */
public abstract class ModelBuilder<B extends ModelBuilder<B>> {
  private Path modelPath;
  private LanguageModel model;
  private ModelOptions modelOptions = ModelOptions.defaults();
  private Double temperature;
  private Integer topK;
  private Double topP;
  private Double minP;
  private Double repeatPenalty;
  private Double presencePenalty;
  private Double frequencyPenalty;
  private Long seed;
  private Integer maxTokens;
  private List<String> stop;

  ModelBuilder() {}

  abstract B self();

  /** The GGUF file, opened by this model and closed with it. Either this or {@link #model}. */
  public B modelPath(Path value) {
    modelPath = value;
    return self();
  }

  /** An opened model, which others may use too; whoever opened it closes it, after this one. */
  public B model(LanguageModel value) {
    model = value;
    return self();
  }

  /** How a file is run: threads, precision, kernels. */
  public B modelOptions(ModelOptions value) {
    modelOptions = value;
    return self();
  }

  /** Divides the logits; 0 takes the most probable token. */
  public B temperature(Double value) {
    temperature = value;
    return self();
  }

  /** How many of the most probable tokens stay; 0 keeps all. */
  public B topK(Integer value) {
    topK = value;
    return self();
  }

  /** The most probable tokens stay until their probabilities add up to this. */
  public B topP(Double value) {
    topP = value;
    return self();
  }

  /** Tokens stay whose probability is at least this share of the highest one. */
  public B minP(Double value) {
    minP = value;
    return self();
  }

  /** Divides positive logits of recent tokens and multiplies negative ones. */
  public B repeatPenalty(Double value) {
    repeatPenalty = value;
    return self();
  }

  /** Taken off the logit of each recent token. */
  public B presencePenalty(Double value) {
    presencePenalty = value;
    return self();
  }

  /** Taken off the logit of a recent token as often as it occurred. */
  public B frequencyPenalty(Double value) {
    frequencyPenalty = value;
    return self();
  }

  /** Start of the random numbers of each answer; without it they differ each time. */
  public B seed(Long value) {
    seed = value;
    return self();
  }

  /** The most tokens of an answer; 256 if not given. */
  public B maxTokens(Integer value) {
    maxTokens = value;
    return self();
  }

  /** Texts that end an answer; they are not part of it. */
  public B stop(List<String> value) {
    stop = value;
    return self();
  }

  OpenModel open() {
    return OpenModel.of(modelPath, model, modelOptions);
  }

  Sampling sampling() {
    return new Sampling(minP, repeatPenalty, seed);
  }

  ChatRequestParameters parameters() {
    return ChatRequestParameters.builder()
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .presencePenalty(presencePenalty)
        .frequencyPenalty(frequencyPenalty)
        .maxOutputTokens(maxTokens)
        .stopSequences(stop)
        .build();
  }
}
