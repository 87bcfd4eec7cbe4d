package dev.mamba4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.Response;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.Session;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class LanguageModelTest {
  private static final String BEGINNING = "Once upon a time";

  private static String continued(String text, int maxTokens) throws IOException {
    try (Session session = TinyModel.model().newSession()) {
      session.read(text);
      return session.generate(GenerationOptions.greedy(maxTokens)).text();
    }
  }

  @Test
  void theTextIsThatOfTheEngine() throws IOException {
    try (Mamba4jLanguageModel model =
        Mamba4jLanguageModel.builder()
            .model(TinyModel.model())
            .temperature(0.0)
            .maxTokens(12)
            .build()) {
      Response<String> response = model.generate(BEGINNING);
      assertThat(response.content()).isEqualTo(continued(BEGINNING, 12)).isNotBlank();
      assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(12);
      assertThat(model.generate("").content()).isEqualTo(continued("", 12));
    }
  }

  @Test
  void aStopSequenceEndsTheText() throws IOException {
    String whole = continued(BEGINNING, 12);
    String stop = whole.substring(7, 10);
    try (Mamba4jLanguageModel model =
        Mamba4jLanguageModel.builder()
            .model(TinyModel.model())
            .temperature(0.0)
            .stop(List.of(stop))
            .build()) {
      Response<String> response = model.generate(BEGINNING);
      assertThat(response.content()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
      assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
    }
  }

  @Test
  void tokensAreCountedAsTheModelReadsThem() throws IOException {
    Mamba4jTokenCountEstimator estimator =
        Mamba4jTokenCountEstimator.builder().modelPath(TinyModel.file()).build();
    assertThat(estimator.estimateTokenCountInText(BEGINNING))
        .isEqualTo(TinyModel.model().tokenizer().encode(BEGINNING, false).length);
    assertThat(estimator.estimateTokenCountInMessages(TinyModel.MESSAGES))
        .isEqualTo(TinyModel.promptTokens());
    assertThat(estimator.estimateTokenCountInMessage(UserMessage.from("Tell me of a dog.")))
        .isEqualTo(TinyModel.model().tokenizer().encode("User: Tell me of a dog.", false).length);
  }
}
