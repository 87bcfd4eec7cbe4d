package dev.mamba4j.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.engine.ChatFormat;
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
    model = modelWith(TEMPLATE);
    server = Server.start(model, ServerOptions.defaults("tiny"));
    client = Client.of(server);
  }

  private static LanguageModel modelWith(String template) throws IOException {
    Files.writeString(folder.resolve("chat_template.jinja"), template);
    Path file = Files.createTempFile(folder, "tiny", ".gguf");
    Files.delete(file);
    try (ModelSource source = ModelWriter.open(folder)) {
      ModelWriter.write(
          source, Plan.uniform(source, TensorType.F32), file, ModelWriter.Progress.NONE);
    }
    return LanguageModel.open(file, new ModelOptions(2, Precision.FAST, Optional.empty()));
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

  /** A 5xx would have OpenAI's clients ask again, in vain. */
  @Test
  void aModelWhoseTemplateIsBrokenCompletesAndSaysWhyItCannotChat() throws Exception {
    try (LanguageModel broken = modelWith("{% if %}");
        Server other = Server.start(broken, ServerOptions.defaults("broken"))) {
      HttpResponse<String> response =
          Client.of(other).post("/v1/chat/completions", request("user", "Hi"));
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(Client.object(response).object("error").string("message"))
          .isEqualTo(
              "this model cannot chat: its chat template, line 1: expected a value, found '%}';"
                  + " ask /v1/completions, or start the server with another template");
      Client.of(other).ask("/v1/completions", Map.of("prompt", "Once", "max_tokens", 1));
    }
  }

  @Test
  void anotherTemplateTakesThePlaceOfTheModelsOwn() throws Exception {
    ChatFormat plain = ChatFormat.of(model.tokenizer(), "{{ messages[0].content }} Yes,");
    try (Server other = Server.start(model, ServerOptions.defaults("tiny"), plain)) {
      JsonObject answer =
          Client.of(other).ask("/v1/chat/completions", request("user", "Was there a dog?"));
      JsonObject expected =
          client.ask(
              "/v1/completions",
              Map.of("prompt", "Was there a dog? Yes,", "max_tokens", 12, "temperature", 0));
      assertThat(Client.choice(answer, 0).object("message").string("content"))
          .isEqualTo(Client.choice(expected, 0).string("text").stripLeading());
    }
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
