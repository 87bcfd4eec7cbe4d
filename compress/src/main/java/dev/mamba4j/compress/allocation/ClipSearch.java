package dev.mamba4j.compress.allocation;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.ScratchFile;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.ActivationRanges;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.engine.Clipping;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.kernels.Matrix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Finds out whether cutting off the largest activations helps a quantized model. Limits are
 * percentiles on every other window of a text; the windows between them, which no limit has seen,
 * tell how far the model is from its original with and without. What does not help by more than
 * chance is left out.
 */
public final class ClipSearch implements AutoCloseable {
  /** Shares of values that are left alone. */
  private static final double[] SHARES = {0.99, 0.999, 0.9999, 0.99999};

  /** A gain must be so many times its standard error, over windows. */
  private static final double CERTAIN = 2;

  /** With fewer, chance says more than limits. */
  private static final int FEWEST_WINDOWS = 8;

  /** Where activations are cut off. */
  private enum Spot {
    OUT_PROJ,
    SSM_X;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Limits of all layers, and the divergence of each measured window with them. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Trial(Clipping limits, double[] windows) {
    double mean() {
      return Arrays.stream(windows).average().orElse(0);
    }

    /** Whether it is better by more than chance. */
    boolean beats(Trial other) {
      int count = windows.length;
      double gain = other.mean() - mean();
      double squares = 0;
      for (int i = 0; i < count; i++) {
        double rest = other.windows[i] - windows[i] - gain;
        squares += rest * rest;
      }
      return count > 1 && gain > CERTAIN * Math.sqrt(squares / (count * Math.max(1.0, count - 1)));
    }
  }

  private final LanguageModel model;
  private final ScratchFile scratch;
  private final PlanSearch.Listener listener;
  private final Map<String, Matrix> matrices = new HashMap<>();
  private ActivationRanges ranges;
  private ReferenceOutput reference;
  private long runs;
  private long allRuns = 1;

  private ClipSearch(LanguageModel model, Path folder, PlanSearch.Listener listener)
      throws IOException {
    this.model = model;
    this.listener = listener;
    scratch = ScratchFile.in(folder);
  }

  /**
   * Measures limits for a plan.
   *
   * @param model the source, opened with {@link Precision#FLOAT}
   * @param text half of its windows for limits, half for measuring
   * @param folder for a scratch file
   * @return the plan, with limits where they help; empty if the listener stopped it
   * @throws FormatException if the text has too few windows
   */
  public static Optional<Plan> run(
      LanguageModel model,
      ModelSource source,
      Plan plan,
      QuantizationMethod method,
      CalibrationText text,
      Path folder,
      PlanSearch.Listener listener)
      throws IOException {
    if (text.windows() < FEWEST_WINDOWS) {
      throw new FormatException(
          "%s: limits of activations take %d windows of %d tokens, the text has %d; give a longer text"
              .formatted(text.name(), FEWEST_WINDOWS, text.window(), text.windows()));
    }
    try (ClipSearch search = new ClipSearch(model, folder, listener)) {
      EncodedMatrices encoded = new EncodedMatrices(method, search.scratch);
      for (SourceTensor tensor : source.tensors()) {
        if (tensor.isMatrix()) {
          search.matrices.put(tensor.name(), encoded.get(tensor, plan.type(tensor)));
        }
      }
      return Optional.ofNullable(search.run(text)).map(plan::with);
    }
  }

  private Clipping run(CalibrationText text) throws IOException {
    ranges = ActivationRanges.of(model.mamba2(), text.every(0, 2), this::goOn).orElse(null);
    reference =
        ranges == null
            ? null
            : ReferenceOutput.of(model.mamba2(), text.every(1, 2), scratch, this::goOn);
    if (reference == null) {
      return null;
    }
    int layers = model.mamba2().config().layers();
    allRuns = 1 + (long) Spot.values().length * SHARES.length;
    Trial best = measure(Clipping.none(layers));
    for (Spot spot : Spot.values()) {
      best = best == null ? null : better(best, spot);
    }
    return best == null ? null : best.limits();
  }

  /** The best of what there is and all shares at a spot; null if it was told to stop. */
  private Trial better(Trial now, Spot spot) throws IOException {
    Trial best = now;
    StringBuilder told = new StringBuilder();
    for (double share : SHARES) {
      Clipping limits =
          spot == Spot.OUT_PROJ
              ? new Clipping(ranges.outProj(share), now.limits().ssmX())
              : new Clipping(now.limits().outProj(), ranges.ssmX(share));
      Trial trial = measure(limits);
      if (trial == null) {
        return null;
      }
      if (trial.beats(now) && trial.mean() < best.mean()) {
        best = trial;
      }
      told.append(String.format(Locale.ROOT, ", %.3f %%: %.6f", 100 * share, trial.mean()));
    }
    listener.note(
        String.format(
            Locale.ROOT,
            "clipping %s: divergence without %.6f%s: %s",
            spot,
            now.mean(),
            told,
            best.mean() < now.mean() ? "it helps" : "it does not help"));
    return best;
  }

  private Trial measure(Clipping limits) throws IOException {
    try (Mamba2 variant = model.variant(Precision.FAST, matrices, limits)) {
      double[] windows = reference.windows(variant, this::goOn);
      runs++;
      return windows == null ? null : new Trial(limits, windows);
    }
  }

  private boolean goOn() {
    return listener.progress("trying limits", runs, allRuns);
  }

  @Override
  public void close() throws IOException {
    scratch.close();
  }
}
