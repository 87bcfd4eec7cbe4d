package dev.mamba4j.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.template.TemplateException;
import java.util.List;

/** What both chat models do: a request becomes a prompt, and its generation a response. */
final class Chat implements AutoCloseable {
  static final String NO_TOOLS = "tools are not supported: the model was not trained to call them";

  /**
   * A request that can be answered.
   *
   * @param prompt its tokens
   */
  @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
  record Question(int[] prompt, GenerationOptions options) {}

  private final OpenModel model;
  private final String name;
  private final Sampling sampling;
  private final ChatRequestParameters defaults;
  private final List<ChatModelListener> listeners;

  Chat(ChatModelBuilder<?> builder) {
    ChatRequestParameters parameters = builder.parameters();
    sampling = builder.sampling();
    sampling.options(parameters, List.of()); // before a file is opened in vain
    listeners = builder.listeners();
    model = builder.open();
    name = model.name();
    defaults = ChatRequestParameters.builder().modelName(name).build().overrideWith(parameters);
  }

  ChatRequestParameters defaults() {
    return defaults;
  }

  List<ChatModelListener> listeners() {
    return listeners;
  }

  /**
   * Understands a request, defaults included.
   *
   * @throws UnsupportedFeatureException if it asks for what the model cannot do
   * @throws InvalidRequestException if a value is out of range
   */
  Question question(ChatRequest request) {
    ChatRequestParameters parameters = request.parameters();
    refuseUnsupported(parameters);
    List<Turn> turns = ChatTurns.of(request.messages());
    ChatFormat format = model.chatFormat();
    try {
      int[] prompt = format.prompt(turns).tokens();
      return new Question(prompt, sampling.options(parameters, format.stops()));
    } catch (IllegalArgumentException | TemplateException e) {
      throw new InvalidRequestException(e.getMessage(), e);
    }
  }

  private void refuseUnsupported(ChatRequestParameters parameters) {
    if (!parameters.toolSpecifications().isEmpty()
        || parameters.toolChoice() == ToolChoice.REQUIRED) {
      throw new UnsupportedFeatureException(NO_TOOLS);
    }
    if (parameters.responseFormat() != null
        && parameters.responseFormat().type() == ResponseFormatType.JSON) {
      throw new UnsupportedFeatureException(
          "the response format JSON is not supported: the model answers in plain text");
    }
    if (parameters.modelName() != null && !parameters.modelName().equals(name)) {
      throw new UnsupportedFeatureException(
          "the model \"%s\" is not supported: this is \"%s\""
              .formatted(parameters.modelName(), name));
    }
  }

  /**
   * Answers on this thread.
   *
   * @param listener takes the answer as it comes
   */
  ChatResponse answer(Question question, Session.TextListener listener) {
    StringBuilder text = new StringBuilder();
    Generation generation =
        model.generate(
            question.prompt(),
            question.options(),
            piece -> {
              // The space between the role and the answer belongs to neither.
              String shown = text.isEmpty() ? piece.stripLeading() : piece;
              text.append(shown);
              return listener.text(shown);
            });
    return ChatResponse.builder()
        .aiMessage(AiMessage.from(text.toString()))
        .metadata(
            ChatResponseMetadata.builder()
                .modelName(name)
                .tokenUsage(Answers.usage(question.prompt(), generation))
                .finishReason(Answers.finishReason(generation))
                .build())
        .build();
  }

  @Override
  public void close() {
    model.close();
  }
}
