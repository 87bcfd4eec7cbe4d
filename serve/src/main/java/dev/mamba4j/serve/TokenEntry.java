package dev.mamba4j.serve;

import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A token and what the model thought of it and its rivals.
 *
 * @param token the id
 * @param logProbability null for the first token of a text, of which the model expects nothing
 * @param top the most probable tokens in its place, the most probable first
 */
record TokenEntry(int token, Float logProbability, List<LogProbabilities.Entry> top) {

  /** A token and the distribution from which it came, or null. */
  static TokenEntry of(int token, LogProbabilities distribution, int top) {
    return distribution == null
        ? new TokenEntry(token, null, List.of())
        : new TokenEntry(token, distribution.get(token), distribution.top(top));
  }

  /** The parallel lists of the completions API. */
  static Map<String, Object> asLists(List<TokenEntry> entries, Tokenizer tokenizer) {
    List<String> tokens = new ArrayList<>();
    List<Float> logProbabilities = new ArrayList<>();
    List<Object> tops = new ArrayList<>();
    List<Integer> offsets = new ArrayList<>();
    int offset = 0;
    for (TokenEntry entry : entries) {
      String text = tokenizer.decode(entry.token());
      tokens.add(text);
      logProbabilities.add(entry.logProbability());
      tops.add(entry.logProbability() == null ? null : entry.topByText(tokenizer));
      offsets.add(offset);
      offset += text.length();
    }
    Map<String, Object> lists = new LinkedHashMap<>();
    lists.put("tokens", tokens);
    lists.put("token_logprobs", logProbabilities);
    lists.put("top_logprobs", tops);
    lists.put("text_offset", offsets);
    return lists;
  }

  /** The token itself is always among them; of two with the same text the more probable stays. */
  private Map<String, Float> topByText(Tokenizer tokenizer) {
    Map<String, Float> byText = new LinkedHashMap<>();
    for (LogProbabilities.Entry rival : top) {
      byText.putIfAbsent(tokenizer.decode(rival.token()), rival.logProbability());
    }
    byText.putIfAbsent(tokenizer.decode(token), logProbability);
    return byText;
  }

  /** An element of the chat API's list. */
  Map<String, Object> asObject(Tokenizer tokenizer) {
    Map<String, Object> object = describe(tokenizer, token, logProbability);
    object.put(
        "top_logprobs",
        top.stream()
            .map(rival -> describe(tokenizer, rival.token(), rival.logProbability()))
            .toList());
    return object;
  }

  private static Map<String, Object> describe(Tokenizer tokenizer, int token, float value) {
    byte[] bytes = tokenizer.tokenBytes(token);
    List<Integer> numbers = new ArrayList<>();
    for (byte b : bytes) {
      numbers.add(b & 0xff);
    }
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("token", new String(bytes, StandardCharsets.UTF_8));
    object.put("logprob", value);
    object.put("bytes", numbers);
    return object;
  }
}
