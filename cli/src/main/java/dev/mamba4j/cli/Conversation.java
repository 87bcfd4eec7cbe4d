package dev.mamba4j.cli;

import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.ChatPrompt;
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
import java.util.Arrays;
import java.util.List;

/**
 * A chat as the text of a {@link ChatFormat}. Each answer follows the text of all that was said, as
 * the server makes it too. The session has read most of it; where a format writes earlier turns
 * otherwise than before, or has other tokens for an answer than the model chose, it goes back to
 * the turn before the last.
 */
final class Conversation implements AutoCloseable {
  /** Tokens that are certain to hold what ends an answer. */
  private static final int ENOUGH = 64;

  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final ChatFormat format;
  private final GenerationOptions options;
  private final String system;
  private Session session;
  private Session before; // as it was before the last message; null if that was the first

  /**
   * @param options those of each answer
   * @param system a text before all, may be empty
   */
  Conversation(LanguageModel model, ChatFormat format, GenerationOptions options, String system)
      throws FormatException {
    this(model, format, options, system, model.newSession());
  }

  /**
   * Goes on with a session.
   *
   * @param session of a conversation; closed with this
   */
  Conversation(LanguageModel model, ChatFormat format, GenerationOptions options, Session session)
      throws FormatException {
    this(model, format, options, "", session);
  }

  private Conversation(
      LanguageModel model,
      ChatFormat format,
      GenerationOptions options,
      String system,
      Session session)
      throws FormatException {
    this.model = model;
    this.format = format;
    this.options =
        new GenerationOptions(
            options.maxTokens(), options.sampling(), format.stops(), options.ignoreEndOfText());
    this.system = system;
    this.session = session;
    tokenizer = model.tokenizer();
  }

  /** Starts anew, with the system text only. */
  void reset() {
    close();
    session = model.newSession();
    before = null;
  }

  /** What is read and generated. */
  Session session() {
    return session;
  }

  /** Puts a message to the model and has it answer. */
  Generation answer(String message, Session.TextListener listener) throws FormatException {
    List<Integer> said = session.tokens();
    if (session.turns().isEmpty() && !said.isEmpty()) { // a text of which no turns are known
      session.read(next(said, message), PrefillListener.NONE);
      return session.generate(options, listener);
    }
    List<Turn> turns = new ArrayList<>(session.turns());
    if (turns.isEmpty() && !system.isEmpty()) {
      turns.add(new Turn(Role.SYSTEM, system));
    }
    turns.add(new Turn(Role.USER, message));
    read(format.prompt(turns));
    Generation generation = session.generate(options, listener);
    turns.add(new Turn(Role.ASSISTANT, generation.text().stripLeading()));
    session.setTurns(turns);
    return generation;
  }

  private int[] next(List<Integer> said, String message) {
    List<Integer> last = said.subList(Math.max(0, said.size() - ENOUGH), said.size());
    return format.next(tokenizer.decode(last.stream().mapToInt(id -> id).toArray()), message);
  }

  /** Has the session read just this, from the longest beginning that is there. */
  private void read(ChatPrompt prompt) {
    int[] tokens = prompt.tokens();
    if (!begins(session, tokens)) {
      session.close();
      session = before != null && begins(before, tokens) ? before.fork() : model.newSession();
    }
    int[] ends = prompt.ends();
    readTo(ends.length < 2 ? 0 : ends[ends.length - 2], tokens);
    if (before != null) {
      before.close();
    }
    before = session.tokens().isEmpty() ? null : session.fork();
    readTo(tokens.length, tokens);
  }

  private void readTo(int end, int[] tokens) {
    int from = session.tokens().size();
    if (from < end) {
      session.read(Arrays.copyOfRange(tokens, from, end), PrefillListener.NONE);
    }
  }

  /** Whether there is something to read behind what a session holds. */
  private static boolean begins(Session session, int[] tokens) {
    int[] held = session.tokens().stream().mapToInt(id -> id).toArray();
    return held.length < tokens.length
        && Arrays.equals(held, 0, held.length, tokens, 0, held.length);
  }

  @Override
  public void close() {
    session.close();
    if (before != null) {
      before.close();
    }
  }
}
