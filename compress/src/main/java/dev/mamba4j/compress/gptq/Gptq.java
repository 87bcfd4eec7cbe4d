package dev.mamba4j.compress.gptq;

import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.ScratchFile;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.ProjectionObserver;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
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

  private final InputProducts products;
  private final String text;
  private final QuantizationMethod otherwise;

  private Gptq(InputProducts products, CalibrationText text, QuantizationMethod otherwise) {
    this.products = products;
    this.text = text.windows() + " windows of " + text.window() + " tokens of " + text.name();
    this.otherwise = otherwise;
  }

  /** Follows the reading of a text. */
  @FunctionalInterface
  public interface Progress {
    /**
     * Called several times a window.
     *
     * @param done tokens read
     * @return whether to go on
     */
    boolean report(long done, long total);
  }

  /**
   * Has a model read a text, to learn how the inputs of matrices go together.
   *
   * @param model in floats
   * @param otherwise for matrices that are not seen, and for types without blocks
   * @param scratch holds four bytes for each pair of columns of a matrix, as long as the method is
   *     used
   * @return empty if the progress stopped it
   */
  public static Optional<Gptq> of(
      Mamba2 model,
      CalibrationText text,
      QuantizationMethod otherwise,
      ScratchFile scratch,
      Progress progress) {
    InputProducts products = new InputProducts(scratch);
    model.observe(products);
    try (Mamba2State state = model.newState()) {
      for (int i = 0; i < text.windows(); i++) {
        state.reset();
        if (!model.prefill(state, text.window(i), listener(text, i, progress))) {
          return Optional.empty();
        }
      }
    } finally {
      model.observe(ProjectionObserver.NONE);
    }
    return Optional.of(new Gptq(products, text, otherwise));
  }

  private static PrefillListener listener(CalibrationText text, int window, Progress progress) {
    return new PrefillListener() {
      @Override
      public boolean progress(int done, int total) {
        long before = (long) window * text.window();
        return progress.report(before + done, (long) text.windows() * text.window());
      }

      @Override
      public int firstLogits(int total) {
        return 0; // so that the head gets its inputs
      }
    };
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
    if (type.blockSize() == 1 || !products.has(tensor.name())) {
      return otherwise.encoder(tensor, type);
    }
    double damping = tensor.name().equals(EMBEDDING) ? EMBEDDING_DAMPING : DAMPING;
    FeedbackRows rows = new FeedbackRows(type, products.inverseFactor(tensor.name(), damping));
    return rows::encode;
  }
}
