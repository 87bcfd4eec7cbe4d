package dev.mamba4j.cli;

import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.formats.FormatException;
import java.util.ArrayList;
import java.util.List;

/** A chat as the text of a {@link ChatFormat}, turn by turn in one session. */
final class Conversation implements AutoCloseable {
  /** Tokens that are certain to hold what ends an answer. */
  private static final int ENOUGH = 64;

  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final ChatFormat format;
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
    format = model.chatFormat();
    this.options =
        new GenerationOptions(
            options.maxTokens(), options.sampling(), format.stops(), options.ignoreEndOfText());
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

  /** Puts a message to the model and has it answer. */
  Generation answer(String message, Session.TextListener listener) throws FormatException {
    List<Integer> said = session.tokens();
    session.read(said.isEmpty() ? first(message) : next(said, message), PrefillListener.NONE);
    return session.generate(options, listener);
  }

  private int[] first(String message) {
    List<Turn> turns = new ArrayList<>();
    if (!system.isEmpty()) {
      turns.add(new Turn(Role.SYSTEM, system));
    }
    turns.add(new Turn(Role.USER, message));
    return format.prompt(turns).tokens();
  }

  private int[] next(List<Integer> said, String message) {
    List<Integer> last = said.subList(Math.max(0, said.size() - ENOUGH), said.size());
    return format.next(tokenizer.decode(last.stream().mapToInt(id -> id).toArray()), message);
  }

  @Override
  public void close() {
    session.close();
  }
}
