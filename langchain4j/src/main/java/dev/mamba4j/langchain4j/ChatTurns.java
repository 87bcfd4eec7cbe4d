package dev.mamba4j.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.ChatPrompt.Turn;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** LangChain4j's messages as the engine's turns. */
final class ChatTurns {
  private ChatTurns() {}

  /**
   * The turns of a conversation.
   *
   * @throws UnsupportedFeatureException if there is anything but text
   */
  static List<Turn> of(Iterable<ChatMessage> messages) {
    List<Turn> turns = new ArrayList<>();
    messages.forEach(message -> turns.add(turn(message)));
    return turns;
  }

  private static Turn turn(ChatMessage message) {
    return switch (message) {
      case SystemMessage system -> new Turn(Role.SYSTEM, system.text());
      case UserMessage user -> new Turn(Role.USER, text(user.contents()));
      case AiMessage answer when !answer.hasToolExecutionRequests() ->
          new Turn(Role.ASSISTANT, Objects.requireNonNullElse(answer.text(), ""));
      case AiMessage _ -> throw new UnsupportedFeatureException(Chat.NO_TOOLS);
      default ->
          throw new UnsupportedFeatureException(
              "messages of the type " + message.type() + " are not supported");
    };
  }

  private static String text(List<Content> contents) {
    return contents.stream().map(ChatTurns::text).collect(Collectors.joining("\n"));
  }

  private static String text(Content content) {
    if (content instanceof TextContent text) {
      return text.text();
    }
    throw new UnsupportedFeatureException(
        "content of the type " + content.type() + " is not supported: the model reads text only");
  }
}
