package dev.mamba4j.engine;

import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.engine.tokenizer.TokenizerData;
import dev.mamba4j.engine.tokenizer.TokenizerMetadata;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.kernels.KernelChoice;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Matrix;
import dev.mamba4j.kernels.Processors;
import dev.mamba4j.kernels.WorkerTeam;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * A model and its tokenizer from one GGUF file, ready to run:
 *
 * <pre>{@code
 * try (LanguageModel model = LanguageModel.open(Path.of("model.gguf"), ModelOptions.defaults());
 *     Session session = model.newSession()) {
 *   session.read("Once upon a time");
 *   System.out.println(session.generate(GenerationOptions.defaults()).text());
 * }
 * }</pre>
 *
 * Safe for use by several threads, each with a session of its own. Close it after its sessions.
 */
public final class LanguageModel implements AutoCloseable {
  private final GgufFile file;
  private final Kernels kernels;
  private final WorkerTeam team;
  private final Mamba2 model;
  private final Optional<Tokenizer> tokenizer;
  private final String whyNoTokenizer;
  private volatile ChatFormat chatFormat; // null until somebody asks for it

  private LanguageModel(GgufFile file, Kernels kernels, WorkerTeam team, Precision precision)
      throws FormatException {
    this.file = file;
    this.kernels = kernels;
    this.team = team;
    model = Mamba2.of(file, kernels, team, precision);
    Optional<Tokenizer> found = Optional.empty();
    String why =
        file.path()
            + ": the file has no tokenizer; give token ids, or convert again from a"
            + " folder with a tokenizer.json";
    try {
      Optional<TokenizerData> data =
          TokenizerMetadata.read(file.metadata(), file.path().toString());
      if (data.isPresent()) {
        found = Optional.of(Tokenizer.of(data.get()));
      }
    } catch (FormatException e) {
      why = e.getMessage();
    }
    tokenizer = found;
    whyNoTokenizer = why;
  }

  /**
   * Opens a model.
   *
   * @throws IOException if the file cannot be read or does not hold a model that can be run
   * @throws IllegalArgumentException if the options name kernels that do not work here
   */
  public static LanguageModel open(Path path, ModelOptions options) throws IOException {
    Kernels kernels = KernelChoice.decide(options.kernels()).kernels();
    GgufFile file = GgufFile.open(path);
    WorkerTeam team = new WorkerTeam(options.threads(), Processors.ofThisProcess());
    try {
      return new LanguageModel(file, kernels, team, options.precision());
    } catch (IOException | RuntimeException e) {
      team.close();
      file.close();
      throw e;
    }
  }

  /** The file that is run. */
  public GgufFile file() {
    return file;
  }

  /** The model itself, which takes and gives token ids. */
  public Mamba2 mamba2() {
    return model;
  }

  /**
   * The same model with other matrices in place of some, on the same threads, to see what changing
   * them does. Close it before this one.
   *
   * @param matrices by GGUF name; their memory must outlive the variant
   * @throws IllegalArgumentException if there is no matrix of a name, or one of another shape
   */
  public Mamba2 variant(Precision precision, Map<String, Matrix> matrices) throws FormatException {
    return Mamba2.of(file, kernels, team, precision, matrices, Optional.empty());
  }

  /** As above, with limits of activations in place of the file's. */
  public Mamba2 variant(Precision precision, Map<String, Matrix> matrices, Clipping clipping)
      throws FormatException {
    return Mamba2.of(file, kernels, team, precision, matrices, Optional.of(clipping));
  }

  /** What the operations run on. */
  public Kernels kernels() {
    return kernels;
  }

  /** Threads that share the work. */
  public int threads() {
    return team.size();
  }

  /**
   * The tokenizer.
   *
   * @throws FormatException if the file has none, or one that is not supported
   */
  public Tokenizer tokenizer() throws FormatException {
    return tokenizer.orElseThrow(() -> new FormatException(whyNoTokenizer));
  }

  /**
   * How conversations become text.
   *
   * @throws FormatException if the file has no tokenizer, or one that is not supported
   * @throws dev.mamba4j.engine.template.TemplateException if its template is not understood
   */
  public ChatFormat chatFormat() throws FormatException {
    ChatFormat known = chatFormat;
    if (known == null) {
      known = ChatFormat.of(tokenizer());
      chatFormat = known;
    }
    return known;
  }

  /** How many ids may be sampled; those that follow only pad the embedding. */
  public int vocabulary() {
    int rows = model.config().vocabulary();
    return tokenizer.map(known -> Math.min(known.vocabularySize(), rows)).orElse(rows);
  }

  /**
   * Tells models apart: a hash over names, types, shapes and a sample of every tensor's values, so
   * that it need not read a large file whole, and over limits of activations.
   */
  public String fingerprint() {
    return Fingerprint.of(file, model.clipping());
  }

  /** A session that has read nothing. */
  public Session newSession() {
    return new Session(this, model.newState());
  }

  /**
   * A session that goes on from a file of {@link Session#save}, or from a state that the server
   * saved.
   *
   * @throws FormatException if it is no such file, is damaged, or belongs to another model
   */
  public Session openSession(Path path) throws IOException {
    SavedState saved = SavedState.read(path, model.config(), fingerprint());
    try (PackedState packed = saved.state()) {
      Mamba2State state = model.newState();
      packed.unpackInto(state);
      return new Session(this, state, saved);
    }
  }

  /** Frees everything; sessions are of no use then. */
  @Override
  public void close() {
    model.close();
    team.close();
    file.close();
  }
}
