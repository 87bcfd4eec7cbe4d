package dev.mamba4j.serve;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.formats.FormatException;
import java.util.List;

/** Prompts as OpenAI's API takes them: a text, several, token ids, or several lists of those. */
final class Prompts {
  private final Tokenizer tokenizer;
  private final int vocabulary;
  private final int maxPrompt;

  Prompts(LanguageModel model, int maxPrompt) throws FormatException {
    tokenizer = model.tokenizer();
    vocabulary = model.mamba2().config().vocabulary();
    this.maxPrompt = maxPrompt;
  }

  /** The tokens of each prompt, at least one. */
  List<int[]> read(Object prompt) {
    return switch (prompt) {
      case null -> throw ApiError.badRequest("prompt is missing");
      case String text -> List.of(encode(text));
      case List<?> list when list.isEmpty() ->
          throw ApiError.badRequest("prompt is an empty array");
      case List<?> list when list.getFirst() instanceof Number -> List.of(ids(list));
      case List<?> list -> list.stream().map(this::one).toList();
      default ->
          throw ApiError.badParameter(
              "prompt", "a string, token ids, or an array of either", prompt);
    };
  }

  private int[] one(Object prompt) {
    return switch (prompt) {
      case String text -> encode(text);
      case List<?> list -> ids(list);
      case null, default ->
          throw ApiError.badParameter("prompt", "made of strings or arrays of ids", prompt);
    };
  }

  private int[] ids(List<?> list) {
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      if (!(list.get(i) instanceof Long id) || id < 0 || id >= vocabulary) {
        throw ApiError.badParameter(
            "prompt", "made of token ids from 0 to " + (vocabulary - 1), list.get(i));
      }
      ids[i] = id.intValue();
    }
    return checked(ids);
  }

  /** The tokens of a text, in which special tokens are recognized. */
  int[] encode(String text) {
    return checked(tokenizer.encode(text, true));
  }

  /** An empty prompt is the beginning of a text; a long one is never cut. */
  int[] checked(int[] ids) {
    if (ids.length > maxPrompt) {
      throw ApiError.badRequest(
          "the prompt has " + ids.length + " tokens; this server takes up to " + maxPrompt);
    }
    if (ids.length > 0) {
      return ids;
    }
    int first = tokenizer.bos().isPresent() ? tokenizer.bos().getAsInt() : 0;
    return new int[] {tokenizer.eos().orElse(first)};
  }
}
