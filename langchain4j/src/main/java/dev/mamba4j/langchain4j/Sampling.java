package dev.mamba4j.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.sampling.SamplingOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * What a model is told once, since LangChain4j's requests do not carry it; null for the engine's
 * default.
 */
record Sampling(Double minP, Double repeatPenalty, Long seed) {
  private static final int DEFAULT_TOKENS = 256;

  /**
   * The engine's options for a request.
   *
   * @param stop more texts that end an answer
   * @throws IllegalArgumentException with one line that names the option that is out of range
   */
  GenerationOptions options(ChatRequestParameters parameters, List<String> stop) {
    SamplingOptions.Builder sampling = SamplingOptions.builder();
    ifGiven(parameters.temperature(), sampling::temperature);
    ifGiven(parameters.topK(), sampling::topK);
    ifGiven(parameters.topP(), sampling::topP);
    ifGiven(parameters.presencePenalty(), sampling::presencePenalty);
    ifGiven(parameters.frequencyPenalty(), sampling::frequencyPenalty);
    ifGiven(minP, sampling::minP);
    ifGiven(repeatPenalty, sampling::repeatPenalty);
    ifGiven(seed, sampling::seed);
    List<String> stops = new ArrayList<>(stop);
    ifGiven(parameters.stopSequences(), stops::addAll);
    if (stops.contains("")) {
      throw new IllegalArgumentException("a stop sequence must not be empty");
    }
    Integer most = parameters.maxOutputTokens();
    return new GenerationOptions(
        most == null ? DEFAULT_TOKENS : most, sampling.build(), stops, false);
  }

  private static <T> void ifGiven(T value, Consumer<T> option) {
    if (value != null) {
      option.accept(value);
    }
  }
}
