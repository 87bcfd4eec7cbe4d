package dev.mamba4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.listener.ChatModelErrorContext;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelRequestContext;
import dev.langchain4j.model.chat.listener.ChatModelResponseContext;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.mamba4j.engine.sampling.SamplingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ChatModelTest {
  private static Mamba4jChatModel.Builder greedy() throws IOException {
    return Mamba4jChatModel.builder().model(TinyModel.model()).temperature(0.0).maxTokens(16);
  }

  private static ChatRequest request(ChatRequestParameters parameters) {
    return ChatRequest.builder().messages(TinyModel.MESSAGES).parameters(parameters).build();
  }

  @Test
  void theAnswerIsThatOfTheEngine() throws IOException {
    try (Mamba4jChatModel model = greedy().build()) {
      ChatResponse response = model.chat(TinyModel.MESSAGES);
      assertThat(response.aiMessage().text())
          .isEqualTo(TinyModel.answer(SamplingOptions.greedy(), 16))
          .isNotBlank();
      assertThat(response.metadata().finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(response.metadata().tokenUsage().inputTokenCount())
          .isEqualTo(TinyModel.promptTokens());
      assertThat(response.metadata().tokenUsage().outputTokenCount()).isEqualTo(16);
      assertThat(response.metadata().modelName()).isEqualTo("tiny");
    }
  }

  @Test
  void whatIsNotGivenIsTheEnginesDefault() throws IOException {
    try (Mamba4jChatModel model =
        Mamba4jChatModel.builder().modelPath(TinyModel.file()).seed(7L).maxTokens(24).build()) {
      assertThat(model.chat(TinyModel.MESSAGES).aiMessage().text())
          .isEqualTo(TinyModel.answer(SamplingOptions.builder().seed(7).build(), 24));
    }
  }

  @Test
  void aRequestOverridesTheBuilderAndTheBuilderItsDefaults() throws IOException {
    ChatRequestParameters defaults =
        ChatRequestParameters.builder().maxOutputTokens(2).topK(3).build();
    try (Mamba4jChatModel model = greedy().defaultRequestParameters(defaults).build()) {
      assertThat(model.defaultRequestParameters().topK()).isEqualTo(3);
      assertThat(model.defaultRequestParameters().maxOutputTokens()).isEqualTo(16);
      ChatResponse response =
          model.chat(request(ChatRequestParameters.builder().maxOutputTokens(5).build()));
      assertThat(response.metadata().tokenUsage().outputTokenCount()).isEqualTo(5);
    }
  }

  @Test
  void aStopSequenceEndsTheAnswer() throws IOException {
    String whole = TinyModel.answer(SamplingOptions.greedy(), 16);
    String stop = whole.substring(8, 12);
    try (Mamba4jChatModel model = greedy().build()) {
      ChatResponse response =
          model.chat(request(ChatRequestParameters.builder().stopSequences(stop).build()));
      assertThat(response.aiMessage().text()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
      assertThat(response.metadata().finishReason()).isEqualTo(FinishReason.STOP);
    }
  }

  @Test
  void theModelNeverSpeaksForTheUser() throws IOException {
    try (Chat chat = new Chat(greedy())) {
      ChatRequest request = request(ChatRequestParameters.builder().stopSequences("Bye.").build());
      assertThat(chat.question(request).options().stop())
          .containsExactlyInAnyOrder("Bye.", "\nUser:");
    }
  }

  static List<ChatRequest> whatAModelCannotDo() {
    ToolSpecification tool = ToolSpecification.builder().name("weather").build();
    ResponseFormat json = ResponseFormat.builder().type(ResponseFormatType.JSON).build();
    UserMessage image = UserMessage.from(ImageContent.from("https://example.org/dog.png"));
    return List.of(
        request(ChatRequestParameters.builder().toolSpecifications(tool).build()),
        request(ChatRequestParameters.builder().toolChoice(ToolChoice.REQUIRED).build()),
        request(ChatRequestParameters.builder().responseFormat(json).build()),
        request(ChatRequestParameters.builder().modelName("another").build()),
        ChatRequest.builder().messages(image).build(),
        ChatRequest.builder()
            .messages(
                UserMessage.from("Is it cold?"),
                ToolExecutionResultMessage.from("1", "weather", "cold"))
            .build());
  }

  @ParameterizedTest
  @MethodSource("whatAModelCannotDo")
  void whatIsNotSupportedIsSaid(ChatRequest request) throws IOException {
    try (Mamba4jChatModel model = greedy().build()) {
      assertThatThrownBy(() -> model.chat(request))
          .isInstanceOf(UnsupportedFeatureException.class)
          .hasMessageContaining("not supported");
    }
  }

  @Test
  void aValueOutOfRangeIsAnInvalidRequest() throws IOException {
    try (Mamba4jChatModel model = greedy().build()) {
      ChatRequest hot = request(ChatRequestParameters.builder().temperature(-1.0).build());
      assertThatThrownBy(() -> model.chat(hot))
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageContaining("-1");
      ChatRequest empty = request(ChatRequestParameters.builder().stopSequences("").build());
      assertThatThrownBy(() -> model.chat(empty)).isInstanceOf(InvalidRequestException.class);
    }
    Mamba4jChatModel.Builder builder = greedy().topP(2.0);
    assertThatThrownBy(builder::build).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aFileThatIsNoModelIsSaid() {
    Path missing = Path.of("no", "such.gguf");
    assertThatThrownBy(() -> Mamba4jChatModel.builder().modelPath(missing).build())
        .isInstanceOf(ModelNotFoundException.class)
        .hasMessageContaining("such.gguf");
    Path other = Path.of(System.getProperty("mamba4j.root"), "pom.xml");
    assertThatThrownBy(() -> Mamba4jChatModel.builder().modelPath(other).build())
        .isInstanceOf(LangChain4jException.class)
        .hasMessageContaining("pom.xml");
    assertThatThrownBy(() -> Mamba4jChatModel.builder().build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("modelPath");
  }

  @Test
  void listenersHearOfAnswersAndErrors() throws IOException {
    List<String> heard = new ArrayList<>();
    ChatModelListener listener =
        new ChatModelListener() {
          @Override
          public void onRequest(ChatModelRequestContext context) {
            heard.add("request " + context.chatRequest().parameters().maxOutputTokens());
          }

          @Override
          public void onResponse(ChatModelResponseContext context) {
            heard.add("response " + context.chatResponse().metadata().finishReason());
          }

          @Override
          public void onError(ChatModelErrorContext context) {
            heard.add("error " + context.error().getClass().getSimpleName());
          }
        };
    try (Mamba4jChatModel model = greedy().listeners(List.of(listener)).build()) {
      AiMessage answer = model.chat(TinyModel.MESSAGES).aiMessage();
      assertThat(answer.text()).isNotEmpty();
      ChatRequest hot = request(ChatRequestParameters.builder().temperature(-1.0).build());
      assertThatThrownBy(() -> model.chat(hot)).isInstanceOf(InvalidRequestException.class);
    }
    assertThat(heard)
        .containsExactly(
            "request 16", "response LENGTH", "request 16", "error InvalidRequestException");
  }

  @Test
  void severalThreadsGetTheAnswerOfOne() throws Exception {
    String expected = TinyModel.answer(SamplingOptions.greedy(), 16);
    try (Mamba4jChatModel model = greedy().build();
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<ChatResponse>> answers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        answers.add(threads.submit(() -> model.chat(TinyModel.MESSAGES)));
      }
      for (Future<ChatResponse> answer : answers) {
        assertThat(answer.get().aiMessage().text()).isEqualTo(expected);
      }
    }
  }

  @Test
  void aClosedModelAnswersNoMoreButASharedOneStaysOpen() throws IOException {
    Mamba4jChatModel model = greedy().build();
    model.close();
    model.close();
    assertThatThrownBy(() -> model.chat(TinyModel.MESSAGES))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThat(TinyModel.answer(SamplingOptions.greedy(), 1)).isNotNull();
  }
}
