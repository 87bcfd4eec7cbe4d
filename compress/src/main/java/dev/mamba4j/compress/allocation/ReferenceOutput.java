package dev.mamba4j.compress.allocation;

import dev.mamba4j.compress.ScratchFile;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.kernels.Vectors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.BooleanSupplier;

/**
 * What the original model says of a text: the probabilities of the next token over the second half
 * of each window, as llama-perplexity looks at them. Kept in float32 in a scratch file, so that a
 * changed model can be compared with it again and again.
 */
final class ReferenceOutput {
  private final CalibrationText text;
  private final int vocabulary;
  private final MemorySegment probabilities; // (windows, scored, vocabulary)
  private final double[] negativeEntropy; // (windows * scored): sum(p log p)
  private final double[] loss; // (windows * scored): of the token that follows

  private ReferenceOutput(CalibrationText text, int vocabulary, ScratchFile scratch)
      throws IOException {
    this.text = text;
    this.vocabulary = vocabulary;
    int positions = text.windows() * scored(text);
    probabilities = scratch.allocate(4L * positions * vocabulary);
    negativeEntropy = new double[positions];
    loss = new double[positions];
  }

  /** Positions of a window that are looked at: those that have a next token, in its second half. */
  private static int scored(CalibrationText text) {
    return text.window() - 1 - text.window() / 2;
  }

  /** Runs the original; null if it was told to stop. */
  static ReferenceOutput of(
      Mamba2 model, CalibrationText text, ScratchFile scratch, BooleanSupplier goOn)
      throws IOException {
    ReferenceOutput output = new ReferenceOutput(text, model.config().vocabulary(), scratch);
    return output.read(model, goOn, output::keep) ? output : null;
  }

  /** Takes the logits (vocabulary) at a position of all that are looked at. */
  private interface Positions {
    void logits(int index, float[] logits, int next);
  }

  private boolean read(Mamba2 model, BooleanSupplier goOn, Positions positions) {
    float[] logits = new float[vocabulary];
    try (Mamba2State state = model.newState()) {
      for (int i = 0; i < text.windows(); i++) {
        int[] window = text.window(i);
        int first = window.length / 2;
        int before = i * scored(text);
        PrefillListener listener =
            new PrefillListener() {
              @Override
              public boolean progress(int done, int total) {
                return goOn.getAsBoolean();
              }

              @Override
              public int firstLogits(int total) {
                return first;
              }

              @Override
              public void logits(int position, Vectors all, int row) {
                if (position + 1 < window.length) {
                  all.read(row, logits);
                  positions.logits(before + position - first, logits, window[position + 1]);
                }
              }
            };
        state.reset();
        if (!model.prefill(state, window, listener)) {
          return false;
        }
      }
    }
    return true;
  }

  private void keep(int index, float[] logits, int next) {
    double logSum = LogProbabilities.logSumExp(logits, vocabulary);
    double sum = 0;
    long row = (long) index * vocabulary;
    for (int i = 0; i < vocabulary; i++) {
      double logProbability = logits[i] - logSum;
      float probability = (float) Math.exp(logProbability);
      probabilities.setAtIndex(ValueLayout.JAVA_FLOAT, row + i, probability);
      sum += probability * logProbability;
    }
    negativeEntropy[index] = sum;
    loss[index] = logSum - logits[next];
  }

  /** How far another model is from the original; null if it was told to stop. */
  Divergence compare(Mamba2 model, BooleanSupplier goOn) {
    double[] divergences = new double[loss.length];
    double[] losses = new double[loss.length];
    return compare(model, goOn, divergences, losses)
        ? new Divergence(
            Arrays.stream(divergences).average().orElse(0),
            Arrays.stream(losses).average().orElse(0))
        : null;
  }

  /** The divergence of each window; null if it was told to stop. */
  double[] windows(Mamba2 model, BooleanSupplier goOn) {
    double[] divergences = new double[loss.length];
    if (!compare(model, goOn, divergences, new double[loss.length])) {
      return null;
    }
    double[] means = new double[text.windows()];
    for (int i = 0; i < divergences.length; i++) {
      means[i / scored(text)] += divergences[i] / scored(text);
    }
    return means;
  }

  /**
   * At each position, the divergence, and by how much the loss is larger than the original's.
   *
   * @return false if it was told to stop
   */
  private boolean compare(
      Mamba2 model, BooleanSupplier goOn, double[] divergences, double[] losses) {
    return read(
        model,
        goOn,
        (index, logits, next) -> {
          double logSum = logSumExp(logits);
          double cross = 0; // sum(p log q) = sum(p logit) - log(sum(exp(logits)))
          long row = (long) index * vocabulary;
          for (int i = 0; i < vocabulary; i++) {
            cross += (double) probabilities.getAtIndex(ValueLayout.JAVA_FLOAT, row + i) * logits[i];
          }
          divergences[index] = Math.max(0, negativeEntropy[index] - cross + logSum);
          losses[index] = logSum - logits[next] - loss[index];
        });
  }

  /**
   * As {@link LogProbabilities#logSumExp}, with the faster exponential: it runs millions of times.
   */
  private double logSumExp(float[] logits) {
    float highest = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      highest = Math.max(highest, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - highest);
    }
    return highest + Math.log(sum);
  }
}
