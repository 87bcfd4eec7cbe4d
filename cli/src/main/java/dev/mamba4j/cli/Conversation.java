package dev.mamba4j.cli;

import dev.mamba4j.engine.ChatPrompt;
import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.formats.FormatException;
import java.util.Arrays;
import java.util.List;

/** A chat as the text of a {@link ChatPrompt}, turn by turn in one session. */
final class Conversation implements AutoCloseable {
  private static final String USER = Role.USER.label();
  private static final String ASSISTANT = "\n" + Role.ASSISTANT.label();

  /** Tokens that are certain to hold {@link ChatPrompt#END_OF_ANSWER}. */
  private static final int ENOUGH = 16;

  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final GenerationOptions options;
  private final String system;
  private Session session;

  /**
   * @param options those of each answer
   * @param system a text before all, may be empty
   */
  Conversation(LanguageModel model, GenerationOptions options, String system)
      throws FormatException {
    this(model, options, system, model.newSession());
  }

  /**
   * Goes on with a session.
   *
   * @param session of a conversation; closed with this
   */
  Conversation(LanguageModel model, GenerationOptions options, Session session)
      throws FormatException {
    this(model, options, "", session);
  }

  private Conversation(
      LanguageModel model, GenerationOptions options, String system, Session session)
      throws FormatException {
    this.model = model;
    this.options =
        new GenerationOptions(
            options.maxTokens(),
            options.sampling(),
            List.of(ChatPrompt.END_OF_ANSWER),
            options.ignoreEndOfText());
    this.system = system;
    this.session = session;
    tokenizer = model.tokenizer();
  }

  /** Starts anew, with the system text only. */
  void reset() {
    session.close();
    session = model.newSession();
  }

  /** What is read and generated. */
  Session session() {
    return session;
  }

  /** What stands between that which was said and a message. */
  private String beforeMessage() {
    int[] said = session.tokens().stream().mapToInt(id -> id).toArray();
    if (said.length == 0) {
      return system.isEmpty() ? USER : system + "\n\n" + USER;
    }
    // Where the model has written the user's role itself, it is in the session already.
    int[] last = Arrays.copyOfRange(said, Math.max(0, said.length - ENOUGH), said.length);
    return tokenizer.decode(last).endsWith(ChatPrompt.END_OF_ANSWER)
        ? ""
        : ChatPrompt.END_OF_ANSWER;
  }

  /** Puts a message to the model and has it answer. */
  Generation answer(String message, Session.TextListener listener) throws FormatException {
    session.read(beforeMessage() + " " + message + ASSISTANT);
    return session.generate(options, listener);
  }

  @Override
  public void close() {
    session.close();
  }
}
