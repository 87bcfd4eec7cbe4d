package dev.mamba4j.compress.gptq;

import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.ScratchFile;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.calibration.Origin;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.WorkFolder;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Error feedback onto the grid of any type (GPTQ, Frantar et al. 2022, arXiv 2210.17323): see
 * {@link FeedbackRows}. Matrices whose inputs were not seen go to another method.
 */
public final class Gptq implements QuantizationMethod {
  /** Share of the mean of the diagonal of H that is added to it. */
  private static final double DAMPING = 0.01;

  /**
   * The same for an embedding that is the head, too: as an embedding, all its columns count. On 12
   * windows of the small model, the divergence with this one matrix in Q4_K, Q5_K or Q6_K was 3 to
   * 5 % less with 0.5 than with 0.01; how much of that is chance, and what is best for other
   * models, is not known.
   */
  private static final double EMBEDDING_DAMPING = 0.3;

  private static final String EMBEDDING = "token_embd.weight";

  /** Of what is kept in a {@link WorkFolder}: another for each change of what is computed. */
  private static final int VERSION = 1;

  private final Optional<InputProducts> products;
  private final EncodedFiles encoded;
  private final String text;
  private final QuantizationMethod otherwise;

  private Gptq(
      Optional<InputProducts> products,
      EncodedFiles encoded,
      CalibrationText text,
      QuantizationMethod otherwise) {
    this.products = products;
    this.encoded = encoded;
    this.text = text.windows() + " windows of " + text.window() + " tokens of " + text.name();
    this.otherwise = otherwise;
  }

  /** Follows the reading of a text. */
  @FunctionalInterface
  public interface Progress {
    /**
     * Called several times a window.
     *
     * @param done tokens read, those of an earlier start included
     * @return whether to go on
     */
    boolean report(long done, long total);

    /** Something worth telling: what it takes, before it starts. */
    default void note(String line) {}
  }

  /**
   * The method as it will be, for the size of files: it has not read anything, and encodes nothing.
   */
  public static QuantizationMethod unread(CalibrationText text, QuantizationMethod otherwise) {
    return new Gptq(Optional.empty(), null, text, otherwise);
  }

  /**
   * Has a model read a text, to learn how the inputs of matrices go together. What has been added
   * up is saved from time to time, and each matrix once it is encoded, so that the same work, after
   * it was killed, goes on where it was.
   *
   * @param model opened with {@link dev.mamba4j.engine.Precision#FLOAT}
   * @param otherwise for matrices that are not seen, and for types without blocks
   * @param scratch holds four bytes for each pair of columns of a matrix, as long as the method is
   *     used
   * @param work keeps as much again
   * @return empty if the progress stopped it
   * @throws FormatException if there is not enough room for that
   */
  public static Optional<Gptq> of(
      LanguageModel model,
      CalibrationText text,
      QuantizationMethod otherwise,
      ScratchFile scratch,
      WorkFolder work,
      Progress progress)
      throws IOException {
    InputProducts products = new InputProducts(scratch);
    Gptq method = new Gptq(Optional.of(products), new EncodedFiles(work), text, otherwise);
    work.claim(
        "%d %s %s %s"
            .formatted(
                VERSION,
                model.kernels().name(),
                Origin.of(model.file(), text),
                method.fingerprint()));
    return new Reading(model, text, products, work, progress).run()
        ? Optional.of(method)
        : Optional.empty();
  }

  @Override
  public void describe(GgufMetadata.Builder keys) {
    otherwise.describe(keys);
    keys.putString("mamba4j.plan.method", name());
    keys.putString("mamba4j.plan.method_text", text);
  }

  @Override
  public String name() {
    return "gptq";
  }

  @Override
  public String fingerprint() {
    return otherwise.fingerprint() + " gptq " + text.hashCode();
  }

  @Override
  public RowEncoder encoder(SourceTensor tensor, TensorType type) throws IOException {
    if (!feedsBack(tensor, type)) {
      return otherwise.encoder(tensor, type);
    }
    double damping = tensor.name().equals(EMBEDDING) ? EMBEDDING_DAMPING : DAMPING;
    FeedbackRows rows =
        new FeedbackRows(type, products.orElseThrow().inverseFactor(tensor.name(), damping));
    return rows::encode;
  }

  private boolean feedsBack(SourceTensor tensor, TensorType type) {
    return type.blockSize() > 1 && products.isPresent() && products.get().has(tensor.name());
  }

  @Override
  public Optional<MemorySegment> encoded(SourceTensor tensor, TensorType type) throws IOException {
    return feedsBack(tensor, type)
        ? Optional.of(encoded.get(tensor, type, this))
        : Optional.empty();
  }

  @Override
  public double seconds(SourceTensor tensor, TensorType type) {
    double perSecond = products.map(InputProducts::perSecond).orElse(0.0);
    return perSecond > 0 && feedsBack(tensor, type)
        ? Reading.roundingProducts(tensor.info()) / perSecond
        : otherwise.seconds(tensor, type);
  }
}
