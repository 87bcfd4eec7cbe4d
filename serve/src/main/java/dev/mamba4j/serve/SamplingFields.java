package dev.mamba4j.serve;

import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.sampling.SamplingOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How an answer is sampled: the fields that completions and chat have in common. */
final class SamplingFields {
  private static final int MAX_STOPS = 16;
  private static final double MAX_BIAS = 100;

  private SamplingFields() {}

  /**
   * The options of each of {@code n} continuations. Defaults are those of OpenAI's API; top_k,
   * min_p, repeat_penalty and ignore_eos are fields of llama.cpp's server.
   *
   * @param stop more texts that end an answer
   */
  static List<GenerationOptions> read(
      RequestFields fields, int n, int maxTokens, List<String> stop, int vocabulary) {
    List<String> stops = new ArrayList<>(fields.strings("stop", MAX_STOPS));
    stops.addAll(stop);
    boolean ignoreEnd = fields.bool("ignore_eos", false);
    List<GenerationOptions> all = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      SamplingOptions.Builder sampling =
          SamplingOptions.builder()
              .temperature(fields.number("temperature", 1, 0, 100))
              .topP(fields.number("top_p", 1, 0, 1))
              .topK(fields.integer("top_k", 0, 0, Integer.MAX_VALUE))
              .minP(fields.number("min_p", 0, 0, 1))
              .repeatPenalty(fields.number("repeat_penalty", 1, 0.01, 100))
              .repeatLastN(SamplingOptions.WHOLE_TEXT)
              .presencePenalty(fields.number("presence_penalty", 0, -2, 2))
              .frequencyPenalty(fields.number("frequency_penalty", 0, -2, 2));
      if (fields.has("seed")) {
        sampling.seed(fields.integer("seed", 0) + i);
      }
      addBiases(fields, sampling, vocabulary);
      all.add(new GenerationOptions(maxTokens, sampling.build(), stops, ignoreEnd));
    }
    return all;
  }

  private static void addBiases(
      RequestFields fields, SamplingOptions.Builder sampling, int vocabulary) {
    fields
        .object("logit_bias")
        .ifPresent(
            biases -> {
              for (Map.Entry<String, Object> bias : biases.json().fields().entrySet()) {
                int token = token(bias.getKey(), vocabulary);
                double value = biases.number(bias.getKey(), 0, -MAX_BIAS, MAX_BIAS);
                // OpenAI: -100 bans a token.
                sampling.logitBias(
                    token, value == -MAX_BIAS ? Float.NEGATIVE_INFINITY : (float) value);
              }
            });
  }

  private static int token(String id, int vocabulary) {
    try {
      int token = Integer.parseInt(id);
      if (token >= 0 && token < vocabulary) {
        return token;
      }
    } catch (NumberFormatException _) {
      // told below
    }
    throw ApiError.badParameter("logit_bias", "about token ids below " + vocabulary, id);
  }
}
