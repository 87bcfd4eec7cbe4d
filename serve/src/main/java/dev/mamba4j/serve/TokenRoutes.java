package dev.mamba4j.serve;

import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The tokenizer over HTTP, as lm-eval asks for it ({@code prompt}) and as llama.cpp's server has it
 * ({@code content}).
 */
final class TokenRoutes {
  private final Tokenizer tokenizer;

  TokenRoutes(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  void addTo(Router router) {
    router.add("POST", "/tokenize", this::tokenize);
    router.add("POST", "/detokenize", this::detokenize);
    router.add("GET", "/tokenizer_info", this::info);
  }

  private void tokenize(Exchange exchange) {
    RequestFields fields = new RequestFields(exchange.json());
    String text = fields.has("content") ? fields.string("content") : fields.string("prompt");
    boolean document =
        fields.bool("add_special_tokens", false) || fields.bool("add_special", false);
    int[] tokens = document ? tokenizer.encodeDocument(text, true) : tokenizer.encode(text, true);
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("tokens", Arrays.stream(tokens).boxed().toList());
    body.put("count", tokens.length);
    exchange.sendJson(200, body);
  }

  private void detokenize(Exchange exchange) {
    List<?> list = new RequestFields(exchange.json()).list("tokens");
    int[] tokens = new int[list.size()];
    for (int i = 0; i < tokens.length; i++) {
      if (!(list.get(i) instanceof Long id) || id < 0 || id >= tokenizer.paddedSize()) {
        throw ApiError.badParameter(
            "tokens", "made of ids from 0 to " + (tokenizer.paddedSize() - 1), list.get(i));
      }
      tokens[i] = id.intValue();
    }
    String text = tokenizer.decode(tokens);
    exchange.sendJson(200, Map.of("prompt", text, "content", text));
  }

  private void info(Exchange exchange) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("eos_token", text(tokenizer.eos()));
    body.put("bos_token", text(tokenizer.bos()));
    body.put("pad_token", text(tokenizer.eos()));
    body.put("chat_template", tokenizer.chatTemplate().orElse(null));
    body.put("vocab_size", tokenizer.vocabularySize());
    exchange.sendJson(200, body);
  }

  private String text(OptionalInt token) {
    return token.isPresent() ? tokenizer.decode(token.getAsInt()) : null;
  }
}
