package dev.mamba4j.engine;

import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * {@code User:} and {@code Assistant:} in turn, for base models, which have no template. Turns are
 * encoded one by one, so that a conversation which goes on begins with the same tokens.
 */
final class PlainChat implements ChatFormat {
  private static final String USER = "User:";
  private static final String ASSISTANT = "Assistant:";

  /** What ends an answer: the model begins to speak for the user. */
  private static final String END_OF_ANSWER = "\n" + USER;

  private final Tokenizer tokenizer;

  PlainChat(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  @Override
  public ChatPrompt prompt(List<Turn> turns) {
    List<int[]> pieces = new ArrayList<>();
    String gap = "";
    for (Turn turn : turns) {
      pieces.add(tokenizer.encode(gap + text(turn), false));
      gap = "\n";
    }
    int[] ends = pieces.stream().mapToInt(piece -> piece.length).toArray();
    Arrays.parallelPrefix(ends, Integer::sum);
    pieces.add(tokenizer.encode(gap + ASSISTANT, false));
    return new ChatPrompt(pieces.stream().flatMapToInt(IntStream::of).toArray(), ends);
  }

  private static String text(Turn turn) {
    String content = turn.content().strip();
    return switch (turn.role()) {
      case SYSTEM -> content + "\n";
      case USER -> USER + " " + content;
      case ASSISTANT -> ASSISTANT + " " + content;
    };
  }

  @Override
  public int[] next(String recent, String message) {
    String gap = recent.endsWith(END_OF_ANSWER) ? "" : END_OF_ANSWER;
    String text = gap + text(new Turn(Role.USER, message)).substring(USER.length());
    return tokenizer.encode(text + "\n" + ASSISTANT, false);
  }

  @Override
  public List<String> stops() {
    return List.of(END_OF_ANSWER);
  }
}
