package dev.mamba4j.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChatPromptTest {
  private static final List<Turn> TURNS =
      List.of(
          new Turn(Role.SYSTEM, "Be brief."),
          new Turn(Role.USER, " Is it day? \n"),
          new Turn(Role.ASSISTANT, "Yes."),
          new Turn(Role.USER, "And now?"));

  private final Tokenizer tokenizer = Tokenizer.gptNeoX();

  private String text(int[] tokens, int end) {
    return tokenizer.decode(Arrays.copyOf(tokens, end));
  }

  @Test
  void usersAndAssistantsTakeTurns() {
    ChatPrompt prompt = ChatPrompt.of(TURNS, tokenizer);
    assertThat(text(prompt.tokens(), prompt.tokens().length))
        .isEqualTo("Be brief.\n\nUser: Is it day?\nAssistant: Yes.\nUser: And now?\nAssistant:");
    assertThat(prompt.ends()).hasSize(4);
    assertThat(text(prompt.tokens(), prompt.ends()[1])).isEqualTo("Be brief.\n\nUser: Is it day?");
  }

  @Test
  void aConversationThatGoesOnBeginsWithTheSameTokens() {
    ChatPrompt before = ChatPrompt.of(TURNS.subList(0, 2), tokenizer);
    ChatPrompt after = ChatPrompt.of(TURNS, tokenizer);
    assertThat(Arrays.copyOf(after.tokens(), before.tokens().length)).isEqualTo(before.tokens());
  }
}
