package dev.mamba4j.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;

/**
 * One answer, told to a handler. What the handler throws goes to its {@code onError}, and the
 * answer goes on, as LangChain4j's other models have it.
 */
final class StreamedAnswer implements Runnable, StreamingHandle {
  private static final System.Logger LOGGER = System.getLogger(StreamedAnswer.class.getName());

  private final Chat chat;
  private final Chat.Question question;
  private final StreamingChatResponseHandler handler;
  private final PartialResponseContext context = new PartialResponseContext(this);
  private volatile boolean cancelled;

  StreamedAnswer(Chat chat, Chat.Question question, StreamingChatResponseHandler handler) {
    this.chat = chat;
    this.question = question;
    this.handler = handler;
  }

  @Override
  public void run() {
    try {
      ChatResponse response = chat.answer(question, this::piece);
      tell(() -> handler.onCompleteResponse(response));
    } catch (RuntimeException | Error e) {
      // An assertion or a lack of memory too: who waits for the end must hear of it.
      fail(e);
    }
  }

  private boolean piece(String text) {
    if (!text.isEmpty()) {
      tell(() -> handler.onPartialResponse(new PartialResponse(text), context));
    }
    return !cancelled;
  }

  private void tell(Runnable call) {
    if (cancelled) {
      return;
    }
    try {
      call.run();
    } catch (RuntimeException e) {
      fail(e);
    }
  }

  private void fail(Throwable error) {
    if (cancelled) {
      return;
    }
    try {
      handler.onError(error);
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.WARNING, "the handler's onError failed", e);
    }
  }

  @Override
  public void cancel() {
    cancelled = true;
  }

  @Override
  public boolean isCancelled() {
    return cancelled;
  }
}
