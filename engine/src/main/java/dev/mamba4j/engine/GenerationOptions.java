package dev.mamba4j.engine;

import dev.mamba4j.engine.sampling.OptionException;
import dev.mamba4j.engine.sampling.SamplingOptions;
import java.util.List;

/**
 * How much is generated and how tokens are chosen.
 *
 * @param maxTokens the most tokens to generate, at least 0
 * @param sampling how each is chosen
 * @param stop texts that end the generation; they are not part of the result
 * @param ignoreEndOfText whether to go on after the end-of-text token
 */
public record GenerationOptions(
    int maxTokens, SamplingOptions sampling, List<String> stop, boolean ignoreEndOfText) {
  /** Checks the number and copies the list. */
  public GenerationOptions {
    if (maxTokens < 0) {
      throw new OptionException("maxTokens", "0 or more", maxTokens);
    }
    stop = List.copyOf(stop);
  }

  /** Up to 128 tokens, llama.cpp's default sampling, no stop texts. */
  public static GenerationOptions defaults() {
    return new GenerationOptions(128, SamplingOptions.defaults(), List.of(), false);
  }

  /** Up to this many tokens, always the most probable. */
  public static GenerationOptions greedy(int maxTokens) {
    return new GenerationOptions(maxTokens, SamplingOptions.greedy(), List.of(), false);
  }
}
