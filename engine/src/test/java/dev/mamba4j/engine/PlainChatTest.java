package dev.mamba4j.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlainChatTest {
  private static final List<Turn> TURNS =
      List.of(
          new Turn(Role.SYSTEM, "Be brief."),
          new Turn(Role.USER, " Is it day? \n"),
          new Turn(Role.ASSISTANT, "Yes."),
          new Turn(Role.USER, "And now?"));

  private final Tokenizer tokenizer = Tokenizer.gptNeoX();
  private final ChatFormat format = ChatFormat.of(tokenizer);

  private String text(int[] tokens, int end) {
    return tokenizer.decode(Arrays.copyOf(tokens, end));
  }

  @Test
  void usersAndAssistantsTakeTurns() {
    ChatPrompt prompt = format.prompt(TURNS);
    assertThat(text(prompt.tokens(), prompt.tokens().length))
        .isEqualTo("Be brief.\n\nUser: Is it day?\nAssistant: Yes.\nUser: And now?\nAssistant:");
    assertThat(prompt.ends()).hasSize(4);
    assertThat(text(prompt.tokens(), prompt.ends()[1])).isEqualTo("Be brief.\n\nUser: Is it day?");
  }

  @Test
  void aConversationThatGoesOnBeginsWithTheSameTokens() {
    ChatPrompt before = format.prompt(TURNS.subList(0, 2));
    ChatPrompt after = format.prompt(TURNS);
    assertThat(Arrays.copyOf(after.tokens(), before.tokens().length)).isEqualTo(before.tokens());
  }

  @Test
  void aMessageFollowsWhatWasSaid() {
    assertThat(tokenizer.decode(format.next("Yes.", "And now?")))
        .isEqualTo("\nUser: And now?\nAssistant:");
    assertThat(tokenizer.decode(format.next("Yes.\nUser:", "And now?")))
        .isEqualTo(" And now?\nAssistant:");
  }
}
