package dev.mamba4j.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What lm-eval and OpenAI's clients ask of /v1/completions, against the engine itself. */
class CompletionsTest {
  private static final String PROMPT = "Once upon a time there was a";

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

  @Test
  void greedyTextIsThatOfASession() throws Exception {
    String expected = greedy(PROMPT, 24);

    JsonObject answer = client.ask("/v1/completions", request(PROMPT, 24));

    assertThat(Client.choice(answer, 0).string("text")).isEqualTo(expected);
    assertThat(Client.choice(answer, 0).string("finish_reason")).isEqualTo("length");
    assertThat(answer.string("object")).isEqualTo("text_completion");
    JsonObject usage = answer.object("usage");
    assertThat(usage.integer("prompt_tokens")).isEqualTo(ids(PROMPT).length);
    assertThat(usage.integer("completion_tokens")).isEqualTo(24);
  }

  @Test
  void aStreamSaysTheSame() throws Exception {
    Map<String, Object> request =
        Map.of(
            "prompt",
            PROMPT,
            "max_tokens",
            24,
            "temperature",
            0,
            "stream",
            true,
            "stream_options",
            Map.of("include_usage", true));

    List<JsonObject> events = client.stream("/v1/completions", request);

    StringBuilder text = new StringBuilder();
    for (JsonObject event : events.subList(0, events.size() - 1)) {
      text.append(Client.choice(event, 0).string("text"));
    }
    assertThat(text.toString()).isEqualTo(greedy(PROMPT, 24));
    assertThat(events.getLast().list("choices")).isEmpty();
    assertThat(events.getLast().object("usage").integer("completion_tokens")).isEqualTo(24);
  }

  /** The request of lm-eval's local-completions, and the two equalities that it relies on. */
  @Test
  void echoedPromptsAreScoredAsTheEngineScoresThem() throws Exception {
    int[] first = ids(PROMPT);
    int[] second = ids("The dog ran home.");
    JsonObject answer =
        client.ask(
            "/v1/completions",
            Map.of(
                "model", "m",
                "prompt", List.of(boxed(first), boxed(second)),
                "temperature", 0,
                "max_tokens", 1,
                "logprobs", 1,
                "seed", 1234,
                "echo", true));
    assertThat(answer.list("choices")).hasSize(2);
    assertScored(Client.choice(answer, 0), first);
    assertScored(Client.choice(answer, 1), second);
  }

  private static void assertScored(JsonObject choice, int[] prompt) throws Exception {
    JsonObject logprobs = choice.object("logprobs");
    List<?> values = logprobs.list("token_logprobs");
    List<?> tops = logprobs.list("top_logprobs");
    assertThat(values).hasSize(prompt.length + 1);
    assertThat(logprobs.list("tokens")).hasSize(prompt.length + 1);
    assertThat(logprobs.list("text_offset")).hasSize(prompt.length + 1);
    assertThat(values.getFirst()).isNull();
    assertThat(tops.getFirst()).isNull();
    for (int i = 1; i < prompt.length; i++) {
      LogProbabilities expected = after(Arrays.copyOf(prompt, i));
      double value = ((Number) values.get(i)).doubleValue();
      assertThat(value).isCloseTo(expected.get(prompt[i]), within(2e-3));
      boolean greedy =
          ((Map<?, ?>) tops.get(i))
                  .values().stream()
                      .mapToDouble(v -> ((Number) v).doubleValue())
                      .max()
                      .orElseThrow()
              == value;
      assertThat(greedy).isEqualTo(expected.top(1).getFirst().token() == prompt[i]);
    }
  }

  private static LogProbabilities after(int[] tokens) throws IOException {
    try (Session session = model.newSession()) {
      session.read(tokens, PrefillListener.NONE);
      return LogProbabilities.of(session.logits(), model.vocabulary());
    }
  }

  @Test
  void promptsComeInFourForms() throws Exception {
    List<Integer> ids = boxed(ids(PROMPT));
    String expected = greedy(PROMPT, 4);
    for (Object form : List.of(PROMPT, List.of(PROMPT), ids, List.of(ids))) {
      JsonObject answer = client.ask("/v1/completions", request(form, 4));
      assertThat(Client.choice(answer, 0).string("text")).as("%s", form).isEqualTo(expected);
    }
  }

  @Test
  void aStopTextEndsTheAnswerAndIsNotPartOfIt() throws Exception {
    String whole = greedy(PROMPT, 24);
    String stop = whole.substring(10, 14);
    JsonObject answer =
        client.ask(
            "/v1/completions",
            Map.of("prompt", PROMPT, "max_tokens", 24, "temperature", 0, "stop", stop));
    assertThat(Client.choice(answer, 0).string("text"))
        .isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(Client.choice(answer, 0).string("finish_reason")).isEqualTo("stop");
  }

  @Test
  void severalChoicesDifferAndASeedRepeatsThem() throws Exception {
    Map<String, Object> request =
        Map.of("prompt", PROMPT, "max_tokens", 12, "n", 3, "seed", 7, "temperature", 1);
    List<String> texts = texts(client.ask("/v1/completions", request));
    assertThat(texts).hasSize(3).doesNotHaveDuplicates();
    assertThat(texts(client.ask("/v1/completions", request))).isEqualTo(texts);
  }

  private static List<String> texts(JsonObject answer) throws IOException {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < answer.list("choices").size(); i++) {
      texts.add(Client.choice(answer, i).string("text"));
    }
    return texts;
  }

  @Test
  void noTokensAreNoText() throws Exception {
    JsonObject answer = client.ask("/v1/completions", request(PROMPT, 0));
    assertThat(Client.choice(answer, 0).string("text")).isEmpty();
    assertThat(answer.object("usage").integer("completion_tokens")).isZero();
  }

  @Test
  void textsAndTokensTurnIntoEachOther() throws Exception {
    JsonObject tokens =
        client.ask("/tokenize", Map.of("prompt", PROMPT, "add_special_tokens", false));
    assertThat(tokens.list("tokens").stream().mapToInt(id -> ((Long) id).intValue()).toArray())
        .isEqualTo(ids(PROMPT));
    JsonObject text = client.ask("/detokenize", Map.of("tokens", tokens.list("tokens")));
    assertThat(text.string("prompt")).isEqualTo(PROMPT);
    assertThat(text.string("content")).isEqualTo(PROMPT);
    assertThat(Client.object(client.get("/tokenizer_info")).string("eos_token")).isNotEmpty();
  }

  private static Map<String, Object> request(Object prompt, int tokens) {
    return Map.of("prompt", prompt, "max_tokens", tokens, "temperature", 0);
  }

  private static String greedy(String prompt, int tokens) throws IOException {
    try (Session session = model.newSession()) {
      session.read(prompt);
      return session.generate(GenerationOptions.greedy(tokens)).text();
    }
  }

  private static int[] ids(String text) throws IOException {
    return model.tokenizer().encode(text, true);
  }

  private static List<Integer> boxed(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }
}
