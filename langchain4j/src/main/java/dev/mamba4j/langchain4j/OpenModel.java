package dev.mamba4j.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.sampling.SamplingException;
import dev.mamba4j.engine.template.TemplateException;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A model of the engine with the answers that it gives, each in a session of its own. Closing it
 * ends those that run, and frees nothing before they have ended. For several threads.
 */
final class OpenModel implements AutoCloseable {
  private static final String SUFFIX = ".gguf";

  private final LanguageModel model;
  private final boolean owned;
  private final Tokenizer tokenizer;

  /** Answers hold it for reading. */
  private final ReentrantReadWriteLock answers = new ReentrantReadWriteLock();

  private volatile boolean closed;
  private boolean freed; // for the holder of the write lock

  private OpenModel(LanguageModel model, boolean owned) throws FormatException {
    this.model = model;
    this.owned = owned;
    tokenizer = model.tokenizer();
  }

  /**
   * A file, which is opened here and closed with this, or an opened model, which stays open.
   *
   * @param path null if there is a model
   * @param model null if there is a path
   * @throws IllegalArgumentException if both are null, or neither
   * @throws ModelNotFoundException if there is no such file
   * @throws LangChain4jException if there is no model that runs and takes text
   */
  static OpenModel of(Path path, LanguageModel model, ModelOptions options) {
    if ((path == null) == (model == null)) {
      throw new IllegalArgumentException("give either modelPath or model");
    }
    return model == null ? open(path, options) : shared(model);
  }

  private static OpenModel open(Path path, ModelOptions options) {
    try {
      return owning(LanguageModel.open(path, options));
    } catch (NoSuchFileException e) {
      throw new ModelNotFoundException(e.getMessage(), e);
    } catch (IOException e) {
      throw new LangChain4jException(e.getMessage(), e);
    }
  }

  private static OpenModel owning(LanguageModel model) throws FormatException {
    try {
      return new OpenModel(model, true);
    } catch (FormatException e) {
      model.close();
      throw e;
    }
  }

  private static OpenModel shared(LanguageModel model) {
    try {
      return new OpenModel(model, false);
    } catch (FormatException e) {
      throw new LangChain4jException(e.getMessage(), e);
    }
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  /**
   * How conversations become text.
   *
   * @throws LangChain4jException if the template of the file is not understood
   */
  ChatFormat chatFormat() {
    try {
      return model.chatFormat();
    } catch (FormatException | TemplateException e) {
      throw new LangChain4jException(e.getMessage(), e);
    }
  }

  /** The name of the file without its ending. */
  String name() {
    String name = model.file().path().getFileName().toString();
    return name.endsWith(SUFFIX) ? name.substring(0, name.length() - SUFFIX.length()) : name;
  }

  /**
   * Continues a prompt.
   *
   * @param listener is called on this thread
   * @throws InvalidRequestException if the options leave no token to choose
   * @throws IllegalStateException if the model is closed, or was before the answer was complete
   */
  Generation generate(int[] prompt, GenerationOptions options, Session.TextListener listener) {
    answers.readLock().lock();
    try {
      requireOpen();
      try (Session session = model.newSession()) {
        return generate(session, prompt, options, listener);
      }
    } finally {
      answers.readLock().unlock();
      if (closed) {
        free();
      }
    }
  }

  private Generation generate(
      Session session, int[] prompt, GenerationOptions options, Session.TextListener listener) {
    session.read(prompt, new UntilClosed());
    requireOpen();
    try {
      Generation generation = session.generate(options, piece -> !closed && listener.text(piece));
      if (generation.reason() == Generation.Reason.CANCELLED) {
        requireOpen();
      }
      return generation;
    } catch (SamplingException e) {
      throw new InvalidRequestException(e.getMessage(), e);
    } catch (FormatException e) {
      throw new LangChain4jException(e.getMessage(), e);
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the model is closed");
    }
  }

  /** Ends the answers that run and waits for them; the one that calls this, if any, ends after. */
  @Override
  public void close() {
    closed = true;
    free();
  }

  private void free() {
    if (answers.getReadHoldCount() > 0) {
      return; // comes again when this thread's answer has ended
    }
    answers.writeLock().lock();
    try {
      if (owned && !freed) {
        model.close();
      }
      freed = true;
    } finally {
      answers.writeLock().unlock();
    }
  }

  /** Leaves the reading of a prompt when the model is closed. */
  private final class UntilClosed implements PrefillListener {
    @Override
    public boolean progress(int done, int total) {
      return !closed;
    }
  }
}
