package dev.mamba4j.serve;

import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A conversation as the text that a base model continues: {@code User:} and {@code Assistant:} in
 * turn, as in {@code mamba4j chat}. Turns are encoded one by one, so that a conversation which goes
 * on begins with the same tokens.
 *
 * @param tokens the text up to where the answer begins
 * @param marks lengths after which the state is worth remembering: the ends of turns
 * @param stops texts that end an answer
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
record ChatPrompt(int[] tokens, int[] marks, List<String> stops) {
  private static final String USER = "User:";
  private static final String ASSISTANT = "Assistant:";

  /** Turns that are worth remembering, counted from the last. */
  private static final int MARKS = 3;

  /**
   * The prompt for the messages of a request.
   *
   * @throws ApiError if they are no conversation that a text can be made of
   */
  static ChatPrompt of(List<?> messages, Tokenizer tokenizer) {
    if (messages.isEmpty()) {
      throw ApiError.badParameter("messages", "at least one message", "none");
    }
    int[] tokens = new int[0];
    List<Integer> ends = new ArrayList<>();
    String gap = "";
    for (Object message : messages) {
      Turn turn = Turn.of(message);
      String text =
          switch (turn.role()) {
            case "system", "developer" -> gap + turn.content() + "\n";
            case "assistant" -> gap + ASSISTANT + " " + turn.content();
            default -> gap + USER + " " + turn.content();
          };
      tokens = Completions.concat(tokens, tokenizer.encode(text, false));
      ends.add(tokens.length);
      gap = "\n";
    }
    tokens = Completions.concat(tokens, tokenizer.encode(gap + ASSISTANT, false));
    int[] marks =
        ends.subList(Math.max(0, ends.size() - MARKS), ends.size()).stream()
            .mapToInt(Integer::intValue)
            .toArray();
    return new ChatPrompt(tokens, marks, List.of("\n" + USER));
  }

  /** A message. */
  private record Turn(String role, String content) {
    static Turn of(Object message) {
      if (!(message instanceof Map<?, ?> fields)) {
        throw ApiError.badParameter("messages", "an array of objects", message);
      }
      Object role = fields.get("role");
      if (!List.of("system", "developer", "user", "assistant").contains(role)) {
        throw ApiError.badParameter("role", "system, user or assistant", role);
      }
      return new Turn((String) role, content(fields.get("content")));
    }

    private static String content(Object content) {
      return switch (content) {
        case String text -> text.strip();
        case List<?> pieces -> pieces.stream().map(Turn::piece).collect(Collectors.joining());
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
}
