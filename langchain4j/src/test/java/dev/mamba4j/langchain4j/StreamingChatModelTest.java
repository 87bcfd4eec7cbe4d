package dev.mamba4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import dev.mamba4j.engine.sampling.SamplingOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class StreamingChatModelTest {
  private static final int ENDLESS = 10_000_000;

  private static Mamba4jStreamingChatModel.Builder greedy() throws IOException {
    return Mamba4jStreamingChatModel.builder()
        .model(TinyModel.model())
        .temperature(0.0)
        .maxTokens(16);
  }

  /** Keeps what it is told. */
  private static class Told implements StreamingChatResponseHandler {
    final List<String> pieces = new ArrayList<>();
    final List<Throwable> errors = new ArrayList<>();
    final CompletableFuture<ChatResponse> end = new CompletableFuture<>();

    @Override
    public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
      pieces.add(piece.text());
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
      end.complete(response);
    }

    @Override
    public void onError(Throwable error) {
      errors.add(error);
      end.completeExceptionally(error);
    }

    ChatResponse response() throws Exception {
      return end.get(1, TimeUnit.MINUTES);
    }
  }

  @Test
  void thePiecesMakeTheAnswerOfTheEngine() throws Exception {
    Told told = new Told();
    try (Mamba4jStreamingChatModel model = greedy().build()) {
      model.chat(TinyModel.MESSAGES, told);
      ChatResponse response = told.response();
      String expected = TinyModel.answer(SamplingOptions.greedy(), 16);
      assertThat(String.join("", told.pieces)).isEqualTo(expected);
      assertThat(told.pieces).hasSizeGreaterThan(4).doesNotContain("");
      assertThat(response.aiMessage().text()).isEqualTo(expected);
      assertThat(response.metadata().finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(response.metadata().tokenUsage().totalTokenCount())
          .isEqualTo(TinyModel.promptTokens() + 16);
    }
  }

  @Test
  void aCancelledAnswerTellsNoMore() throws Exception {
    Told told =
        new Told() {
          @Override
          public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            super.onPartialResponse(piece, context);
            if (pieces.size() == 3) {
              context.streamingHandle().cancel();
            }
          }
        };
    try (Mamba4jStreamingChatModel model =
        greedy().maxTokens(ENDLESS).executor(Runnable::run).build()) {
      model.chat(TinyModel.MESSAGES, told);
    }
    assertThat(told.pieces).hasSize(3);
    assertThat(told.errors).isEmpty();
    assertThat(told.end).isNotDone();
  }

  @Test
  void closingEndsAnAnswerThatRuns() throws Exception {
    CompletableFuture<String> begun = new CompletableFuture<>();
    Told told =
        new Told() {
          @Override
          public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            begun.complete(piece.text());
            LockSupport.parkNanos(5_000_000); // no end of the text before it is closed
          }
        };
    try (Mamba4jStreamingChatModel model =
        Mamba4jStreamingChatModel.builder()
            .modelPath(TinyModel.file())
            .temperature(0.0)
            .maxTokens(ENDLESS)
            .build()) {
      model.chat(TinyModel.MESSAGES, told);
      begun.get(1, TimeUnit.MINUTES);
    }
    assertThatThrownBy(told::response)
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void anAnswerMayCloseItsModel() throws Exception {
    Mamba4jStreamingChatModel model =
        Mamba4jStreamingChatModel.builder()
            .modelPath(TinyModel.file())
            .temperature(0.0)
            .executor(Runnable::run)
            .maxTokens(ENDLESS)
            .build();
    Told told =
        new Told() {
          @Override
          public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            model.close();
          }
        };
    model.chat(TinyModel.MESSAGES, told);
    assertThat(told.errors).singleElement().isInstanceOf(IllegalStateException.class);
  }

  @Test
  void whatAHandlerThrowsIsToldToItAndTheAnswerGoesOn() throws Exception {
    RuntimeException failure = new RuntimeException("of the handler");
    List<ChatResponse> complete = new ArrayList<>();
    Told told =
        new Told() {
          @Override
          public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            super.onPartialResponse(piece, context);
            if (pieces.size() == 2) {
              throw failure;
            }
          }

          @Override
          public void onCompleteResponse(ChatResponse response) {
            complete.add(response);
          }
        };
    try (Mamba4jStreamingChatModel model = greedy().executor(Runnable::run).build()) {
      model.chat(TinyModel.MESSAGES, told);
    }
    assertThat(told.errors).containsExactly(failure);
    assertThat(complete).hasSize(1);
    assertThat(String.join("", told.pieces)).isEqualTo(complete.getFirst().aiMessage().text());
  }

  @Test
  void whatIsNotSupportedIsThrownAtOnce() throws Exception {
    ChatRequest json =
        ChatRequest.builder()
            .messages(TinyModel.MESSAGES)
            .responseFormat(ResponseFormat.builder().type(ResponseFormatType.JSON).build())
            .build();
    try (Mamba4jStreamingChatModel model = greedy().build()) {
      assertThatThrownBy(() -> model.chat(json, new Told()))
          .isInstanceOf(UnsupportedFeatureException.class)
          .hasMessageContaining("JSON");
    }
  }
}
