package dev.mamba4j.cli;

import dev.mamba4j.engine.ChatPrompt;
import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Session;
import dev.mamba4j.formats.FormatException;
import java.util.List;

/** A chat as the text of a {@link ChatPrompt}, turn by turn in one session. */
final class Conversation implements AutoCloseable {
  private static final String USER = Role.USER.label();
  private static final String ASSISTANT = "\n" + Role.ASSISTANT.label();

  private final LanguageModel model;
  private final GenerationOptions options;
  private final String system;
  private Session session;
  private String beforeMessage;

  /**
   * @param options those of each answer
   * @param system a text before all, may be empty
   */
  Conversation(LanguageModel model, GenerationOptions options, String system)
      throws FormatException {
    model.tokenizer(); // there must be one
    this.model = model;
    this.options =
        new GenerationOptions(
            options.maxTokens(),
            options.sampling(),
            List.of(ChatPrompt.END_OF_ANSWER),
            options.ignoreEndOfText());
    this.system = system;
    begin();
  }

  private void begin() {
    session = model.newSession();
    beforeMessage = system.isEmpty() ? USER : system + "\n\n" + USER;
  }

  /** Starts anew, with the system text only. */
  void reset() {
    session.close();
    begin();
  }

  /** Puts a message to the model and has it answer. */
  Generation answer(String message, Session.TextListener listener) throws FormatException {
    session.read(beforeMessage + " " + message + ASSISTANT);
    Generation answer = session.generate(options, listener);
    String all = model.tokenizer().decode(answer.tokens().stream().mapToInt(id -> id).toArray());
    // Where the model has written the user's role itself, it is in the session already.
    beforeMessage = all.endsWith(ChatPrompt.END_OF_ANSWER) ? "" : ChatPrompt.END_OF_ANSWER;
    return answer;
  }

  @Override
  public void close() {
    session.close();
  }
}
