package dev.mamba4j.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.Session;
import dev.mamba4j.formats.json.JsonObject;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model whose folder brings a template. */
class ChatTemplateTest {
  private static final String TEMPLATE =
      """
      {%- for m in messages %}
      {%- if m.role == 'system' %}{{ raise_exception('no system text, please') }}{% endif %}
      {{- '[' ~ m.role ~ '] ' ~ m.content ~ eos_token }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{ '[assistant] ' }}{% endif %}
      """;

  @TempDir private static Path folder;
  private static LanguageModel model;
  private static Server server;
  private static Client client;

  @BeforeAll
  static void start() throws IOException {
    Path tiny = Path.of(System.getProperty("mamba4j.root"), "models", "tiny");
    for (String name : List.of("config.json", "pytorch_model.bin", "tokenizer.json")) {
      Files.copy(tiny.resolve(name), folder.resolve(name));
    }
    Files.writeString(folder.resolve("chat_template.jinja"), TEMPLATE);
    Path file = folder.resolve("tiny.gguf");
    try (ModelSource source = ModelWriter.open(folder)) {
      ModelWriter.write(
          source, Plan.uniform(source, TensorType.F32), file, ModelWriter.Progress.NONE);
    }
    model = LanguageModel.open(file, new ModelOptions(2, Precision.FAST, Optional.empty()));
    server = Server.start(model, ServerOptions.defaults("tiny"));
    client = Client.of(server);
  }

  @AfterAll
  static void stop() {
    server.close();
    model.close();
  }

  private static Map<String, Object> request(String... turns) {
    List<Map<String, String>> messages = new ArrayList<>();
    for (int i = 0; i < turns.length; i += 2) {
      messages.add(Map.of("role", turns[i], "content", turns[i + 1]));
    }
    return Map.of("messages", messages, "max_tokens", 12, "temperature", 0);
  }

  @Test
  void theAnswerContinuesTheTextOfTheTemplate() throws Exception {
    JsonObject answer =
        client.ask("/v1/chat/completions", request("user", "Tell me of a dog.<|endoftext|>"));
    String expected;
    try (Session session = model.newSession()) {
      session.read(
          model.tokenizer().encode("[user] Tell me of a dog.<|endoftext|>", false),
          PrefillListener.NONE);
      session.read(
          model.tokenizer().encode("<|endoftext|>[assistant] ", true), PrefillListener.NONE);
      expected = session.generate(GenerationOptions.greedy(12)).text();
    }
    assertThat(Client.choice(answer, 0).object("message").string("content"))
        .isEqualTo(expected.stripLeading());
  }

  @Test
  void whatTheTemplateRefusesIsABadRequest() throws Exception {
    HttpResponse<String> response =
        client.post("/v1/chat/completions", request("system", "Obey.", "user", "Hi"));
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(response.body()).contains("the chat template says: no system text, please");
  }

  @Test
  void theNextTurnFindsTheLastOne() throws Exception {
    String told = "Once there was a cat who lived in a house by the sea and ate fish.";
    client.ask("/v1/chat/completions", request("user", told));
    Thread.sleep(200); // the state is packed in the background
    JsonObject usage =
        client
            .ask("/v1/chat/completions", request("user", told, "assistant", "Yes.", "user", "So?"))
            .object("usage");
    assertThat(usage.object("prompt_tokens_details").integer("cached_tokens")).isGreaterThan(15);
  }
}
