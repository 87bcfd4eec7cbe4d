package dev.mamba4j.serve;

import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.ChatPrompt.Turn;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The messages of a request as OpenAI's API has them. */
final class ChatMessages {
  private ChatMessages() {}

  /**
   * The turns of the conversation.
   *
   * @throws ApiError if they are no conversation that a text can be made of
   */
  static List<Turn> turns(List<?> messages) {
    if (messages.isEmpty()) {
      throw ApiError.badParameter("messages", "at least one message", "none");
    }
    return messages.stream().map(ChatMessages::turn).toList();
  }

  private static Turn turn(Object message) {
    if (!(message instanceof Map<?, ?> fields)) {
      throw ApiError.badParameter("messages", "an array of objects", message);
    }
    return new Turn(role(fields.get("role")), content(fields.get("content")));
  }

  private static Role role(Object role) {
    return switch (role instanceof String name ? name : "") {
      case "system", "developer" -> Role.SYSTEM;
      case "user" -> Role.USER;
      case "assistant" -> Role.ASSISTANT;
      default -> throw ApiError.badParameter("role", "system, user or assistant", role);
    };
  }

  private static String content(Object content) {
    return switch (content) {
      case String text -> text;
      case List<?> pieces -> pieces.stream().map(ChatMessages::piece).collect(Collectors.joining());
      case null, default -> throw ApiError.badParameter("content", "a text", content);
    };
  }

  private static String piece(Object piece) {
    if (piece instanceof Map<?, ?> fields
        && "text".equals(fields.get("type"))
        && fields.get("text") instanceof String text) {
      return text;
    }
    throw ApiError.badParameter("content", "made of pieces of the type text", piece);
  }
}
