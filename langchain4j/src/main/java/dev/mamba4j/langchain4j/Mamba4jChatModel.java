package dev.mamba4j.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.mamba4j.engine.Session;
import java.util.List;

/**
 * A conversation with a Mamba-2 model in this process, as LangChain4j has it:
 *
 * <pre>{@code
 * try (Mamba4jChatModel model =
 *     Mamba4jChatModel.builder().modelPath(Path.of("model.gguf")).temperature(0.0).build()) {
 *   System.out.println(model.chat("Tell me of a dog."));
 * }
 * }</pre>
 *
 * The conversation is a text of "User:" and "Assistant:" in turn. Tools, JSON and images give an
 * {@link dev.langchain4j.exception.UnsupportedFeatureException}, values out of range an {@link
 * dev.langchain4j.exception.InvalidRequestException}. Safe for use by several threads, which share
 * the processors.
 */
public final class Mamba4jChatModel implements ChatModel, AutoCloseable {
  private final Chat chat;

  private Mamba4jChatModel(Builder builder) {
    chat = new Chat(builder);
  }

  /** Starts with a file or an opened model. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    return chat.answer(chat.question(request), Session.TextListener.NONE);
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return chat.defaults();
  }

  @Override
  public List<ChatModelListener> listeners() {
    return chat.listeners();
  }

  /**
   * Ends the answers that run, with an {@link IllegalStateException} for those who wait, and frees
   * the model if this one opened it.
   */
  @Override
  public void close() {
    chat.close();
  }

  /** Collects what the model is made from. */
  public static final class Builder extends ChatModelBuilder<Builder> {
    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

    /** Opens the model. */
    public Mamba4jChatModel build() {
      return new Mamba4jChatModel(this);
    }
  }
}
