package dev.mamba4j.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * As {@link Mamba4jChatModel}, with the answer told piece by piece. {@code chat} throws what is
 * wrong with a request and else returns at once; the answer comes on a thread of its own. An answer
 * that is cancelled ends with the next token, and its handler is told no more.
 */
public final class Mamba4jStreamingChatModel implements StreamingChatModel, AutoCloseable {
  private final Chat chat;
  private final Executor executor;

  private Mamba4jStreamingChatModel(Builder builder) {
    chat = new Chat(builder);
    executor = builder.executor;
  }

  /** Starts with a file or an opened model. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    Chat.Question question = chat.question(request);
    executor.execute(new StreamedAnswer(chat, question, handler));
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
   * Ends the answers that run, with an {@link IllegalStateException} for their handlers, and frees
   * the model if this one opened it.
   */
  @Override
  public void close() {
    chat.close();
  }

  /** Collects what the model is made from. */
  public static final class Builder extends ChatModelBuilder<Builder> {
    private Executor executor =
        answer -> Thread.ofPlatform().daemon().name("mamba4j-answer").start(answer);

    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

    /** What answers run on; a daemon thread for each if not given. */
    public Builder executor(Executor value) {
      executor = value;
      return this;
    }

    /** Opens the model. */
    public Mamba4jStreamingChatModel build() {
      return new Mamba4jStreamingChatModel(this);
    }
  }
}
