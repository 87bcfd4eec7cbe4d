package dev.mamba4j.engine;

import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A conversation as the text that a model continues: {@code User:} and {@code Assistant:} in turn.
 * Base models, which have no template for conversations, take it so. Turns are encoded one by one,
 * so that a conversation which goes on begins with the same tokens.
 *
 * @param tokens the text up to where the answer begins
 * @param ends how many tokens there are up to the end of each turn, (turns)
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
public record ChatPrompt(int[] tokens, int[] ends) {
  /** What ends an answer, as a stop text: the model begins to speak for the user. */
  public static final String END_OF_ANSWER = "\n" + Role.USER.label();

  /** Who speaks. */
  public enum Role {
    /** Nobody: a text before all that is said. */
    SYSTEM(""),
    /** Who asks. */
    USER("User:"),
    /** The model. */
    ASSISTANT("Assistant:");

    private final String label;

    Role(String label) {
      this.label = label;
    }

    /** What stands before that which the role says; empty for {@link #SYSTEM}. */
    public String label() {
      return label;
    }
  }

  /**
   * What one says at a time.
   *
   * @param content spaces around it are dropped
   */
  public record Turn(Role role, String content) {
    /** Strips the content. */
    public Turn {
      content = content.strip();
    }

    private String text() {
      return role == Role.SYSTEM ? content + "\n" : role.label() + " " + content;
    }
  }

  /** The prompt for the assistant's next turn. */
  public static ChatPrompt of(List<Turn> turns, Tokenizer tokenizer) {
    List<int[]> pieces = new ArrayList<>();
    String gap = "";
    for (Turn turn : turns) {
      pieces.add(tokenizer.encode(gap + turn.text(), false));
      gap = "\n";
    }
    int[] ends = pieces.stream().mapToInt(piece -> piece.length).toArray();
    Arrays.parallelPrefix(ends, Integer::sum);
    pieces.add(tokenizer.encode(gap + Role.ASSISTANT.label(), false));
    return new ChatPrompt(pieces.stream().flatMapToInt(IntStream::of).toArray(), ends);
  }
}
