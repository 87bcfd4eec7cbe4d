package dev.mamba4j.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.sampling.SamplingOptions;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ChatTest {
  private static final List<Map<String, String>> MESSAGES =
      List.of(
          Map.of("role", "system", "content", "A child asks for stories."),
          Map.of("role", "user", "content", "Tell me of a dog."));

  private static LanguageModel model;
  private static Server server;
  private static Client client;

  @BeforeAll
  static void start() throws IOException {
    model = ServedModel.open();
    server = Server.start(model, ServerOptions.defaults("tiny"));
    client = Client.of(server);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Map<String, Object> request(String... more) {
    Map<String, Object> request = new HashMap<>();
    request.put("messages", MESSAGES);
    request.put("max_tokens", 16);
    request.put("temperature", 0);
    for (String name : more) {
      request.put(name, true);
    }
    return request;
  }

  private static String expected() throws IOException {
    try (Session session = model.newSession()) {
      for (String piece :
          List.of("A child asks for stories.\n", "\nUser: Tell me of a dog.", "\nAssistant:")) {
        session.read(model.tokenizer().encode(piece, false), PrefillListener.NONE);
      }
      GenerationOptions options =
          new GenerationOptions(16, SamplingOptions.greedy(), List.of("\nUser:"), false);
      return session.generate(options).text().stripLeading();
    }
  }

  @Test
  void theAnswerContinuesTheConversation() throws Exception {
    JsonObject answer = client.ask("/v1/chat/completions", request());
    JsonObject choice = Client.choice(answer, 0);
    assertThat(answer.string("object")).isEqualTo("chat.completion");
    assertThat(choice.object("message").string("role")).isEqualTo("assistant");
    assertThat(choice.object("message").string("content")).isEqualTo(expected());
  }

  @Test
  void aStreamBeginsWithTheRoleAndEndsWithTheReason() throws Exception {
    List<JsonObject> events = client.stream("/v1/chat/completions", request("stream"));
    StringBuilder text = new StringBuilder();
    for (JsonObject event : events) {
      assertThat(event.string("object")).isEqualTo("chat.completion.chunk");
      text.append(Client.choice(event, 0).object("delta").optionalString("content").orElse(""));
    }
    assertThat(text.toString()).isEqualTo(expected());
    assertThat(Client.choice(events.getFirst(), 0).object("delta").string("role"))
        .isEqualTo("assistant");
    assertThat(Client.choice(events.getLast(), 0).string("finish_reason")).isEqualTo("length");
  }

  @Test
  void logProbabilitiesComeTokenByToken() throws Exception {
    Map<String, Object> request = request("logprobs");
    request.put("top_logprobs", 2);
    JsonObject answer = client.ask("/v1/chat/completions", request);
    List<?> content = Client.choice(answer, 0).object("logprobs").list("content");
    assertThat(content).hasSize(16);
    JsonObject first = JsonObject.of("first", content.getFirst());
    assertThat(first.list("top_logprobs")).hasSize(2);
    JsonObject best = JsonObject.of("best", first.list("top_logprobs").getFirst());
    assertThat(best.number("logprob", 0)).isEqualTo(first.number("logprob", 1)); // greedy
  }

  @Test
  void toolsAreRefusedWithTheReason() throws Exception {
    Map<String, Object> request = request();
    request.put("tools", List.of(Map.of("type", "function")));
    assertThat(client.post("/v1/chat/completions", request).statusCode()).isEqualTo(400);
    assertThat(client.post("/v1/chat/completions", request).body()).contains("tools");
  }

  @Test
  void theNextTurnFindsTheLastOne() throws Exception {
    Map<String, Object> request = request();
    String content =
        Client.choice(client.ask("/v1/chat/completions", request), 0)
            .object("message")
            .string("content");
    Thread.sleep(200); // the state is packed in the background
    request.put(
        "messages",
        List.of(
            MESSAGES.get(0),
            MESSAGES.get(1),
            Map.of("role", "assistant", "content", content),
            Map.of("role", "user", "content", "And then?")));
    JsonObject usage = client.ask("/v1/chat/completions", request).object("usage");
    assertThat(usage.object("prompt_tokens_details").integer("cached_tokens")).isGreaterThan(15);
  }
}
