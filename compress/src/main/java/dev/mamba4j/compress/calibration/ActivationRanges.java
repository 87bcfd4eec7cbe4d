package dev.mamba4j.compress.calibration;

import dev.mamba4j.engine.Clipping;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.ProjectionObserver;
import dev.mamba4j.kernels.Vectors;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * How large the activations are that {@link Clipping} can cut off: counts of magnitudes, by layer,
 * in 64 steps an octave, so that any percentile is known to 1.6 %.
 */
public final class ActivationRanges {
  /** Bits of a float that are left out: what remains is the exponent and 6 bits. */
  private static final int SHIFT = 17;

  private static final int STEPS = 1 << (31 - SHIFT);

  private final long[][] outProj; // (layers, STEPS)
  private final long[][] ssmX; // (layers, STEPS)

  private ActivationRanges(int layers) {
    outProj = new long[layers][STEPS];
    ssmX = new long[layers][STEPS];
  }

  /**
   * Has a model read a text.
   *
   * @param goOn asked several times a window
   * @return empty if it was told to stop
   */
  public static Optional<ActivationRanges> of(
      Mamba2 model, CalibrationText text, BooleanSupplier goOn) {
    ActivationRanges ranges = new ActivationRanges(model.config().layers());
    model.observe(ranges.new Counter(model.config()));
    try (Mamba2State state = model.newState()) {
      for (int i = 0; i < text.windows(); i++) {
        state.reset();
        PrefillListener listener =
            new PrefillListener() {
              @Override
              public boolean progress(int done, int total) {
                return goOn.getAsBoolean();
              }
            };
        if (!model.prefill(state, text.window(i), listener)) {
          return Optional.empty();
        }
      }
    } finally {
      model.observe(ProjectionObserver.NONE);
    }
    return Optional.of(ranges);
  }

  private final class Counter implements ProjectionObserver {
    private final int inner;
    private final float[] row;
    private int layer; // the last whose convolution was seen

    Counter(Mamba2Config config) {
      inner = config.inner();
      row = new float[config.channels()];
    }

    @Override
    public void convolved(int of, Vectors channels, int tokens) {
      layer = of;
      count(channels, tokens, row, ssmX[layer]);
    }

    @Override
    public void inputs(String matrix, Vectors inputs, int tokens) {
      if (matrix.endsWith(".ssm_out.weight")) {
        count(inputs, tokens, new float[inner], outProj[layer]);
      }
    }

    private void count(Vectors vectors, int tokens, float[] values, long[] counts) {
      for (int token = 0; token < tokens; token++) {
        vectors.read(token, values);
        for (int i = 0; i < inner; i++) {
          counts[Float.floatToRawIntBits(Math.abs(values[i])) >>> SHIFT]++;
        }
      }
    }
  }

  /**
   * Limits that a share of the inputs of ssm_out do not go beyond, layer by layer.
   *
   * @param share of the values, above 0, up to 1
   */
  public float[] outProj(double share) {
    return limits(outProj, share);
  }

  /** The same of x. */
  public float[] ssmX(double share) {
    return limits(ssmX, share);
  }

  private static float[] limits(long[][] counts, double share) {
    float[] limits = new float[counts.length];
    for (int layer = 0; layer < limits.length; layer++) {
      long all = 0;
      for (long count : counts[layer]) {
        all += count;
      }
      long wanted = (long) Math.ceil(share * all);
      int step = 0;
      for (long below = counts[layer][0]; below < wanted; below += counts[layer][step]) {
        step++;
      }
      limits[layer] = Float.intBitsToFloat((step + 1) << SHIFT); // where the step ends
    }
    return limits;
  }
}
