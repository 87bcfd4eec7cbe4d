package dev.mamba4j.langchain4j;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import java.util.List;

/**
 * What the chat models are built from.
 *
 * @param <B> the builder itself
 */
public abstract class ChatModelBuilder<B extends ChatModelBuilder<B>> extends ModelBuilder<B> {
  private ChatRequestParameters defaults = ChatRequestParameters.builder().build();
  private List<ChatModelListener> listeners = List.of();

  ChatModelBuilder() {}

  /** For what neither a request nor this builder's own methods tell. */
  public B defaultRequestParameters(ChatRequestParameters value) {
    defaults = value;
    return self();
  }

  /** Told of requests, responses and errors. */
  public B listeners(List<ChatModelListener> value) {
    listeners = List.copyOf(value);
    return self();
  }

  List<ChatModelListener> listeners() {
    return listeners;
  }

  @Override
  ChatRequestParameters parameters() {
    return defaults.overrideWith(super.parameters());
  }
}
