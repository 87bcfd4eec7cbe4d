package dev.mamba4j.cli;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.RoundToNearest;
import dev.mamba4j.compress.allocation.Goal;
import dev.mamba4j.compress.allocation.PlanSearch;
import dev.mamba4j.engine.Clipping;
import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Whether limits of activations are looked for, and what they take. */
final class ClipOptions {
  private static final int WINDOWS = 64;
  private static final int LARGE_WINDOWS = 8;

  /** By so much may tensors move when keys are added. */
  private static final int ALIGNMENT = 32;

  @Option(
      names = "--clip",
      paramLabel = "auto|none",
      description =
          "auto: cut off the largest activations where that brings the quantized model nearer to"
              + " the original, on windows of -f TEXT that the limits are not from; none (default,"
              + " but for the limits in a plan).")
  private Clip clip;

  /** What may be cut off activations. */
  private enum Clip {
    AUTO,
    NONE
  }

  /** Whether limits are looked for. */
  boolean isAuto() {
    return clip == Clip.AUTO;
  }

  /** A plan as the option wants it, before any limits are looked for. */
  Plan allowed(Plan plan) {
    return clip == Clip.NONE ? new Plan(plan.choices(), plan.goal()) : plan;
  }

  /** A goal for the file without limits, so that it has room for them. */
  Optional<Goal> withRoom(Optional<Goal> goal, ModelSource source) throws IOException {
    return isAuto() && goal.orElse(null) instanceof Goal.FileSize size
        ? Optional.of(new Goal.FileSize(size.bytes() - limitBytes(source), size.text()))
        : goal;
  }

  /** What limits take in a file. */
  private static long limitBytes(ModelSource source) throws IOException {
    Plan plan = Plan.uniform(source, TensorType.F16);
    float[] limits = new float[Mamba2Config.layers(source.metadata())];
    Plan clipped = plan.with(new Clipping(limits, limits));
    return ModelWriter.fileBytes(source, clipped, new RoundToNearest())
        - ModelWriter.fileBytes(source, plan, new RoundToNearest())
        + ALIGNMENT;
  }

  /** The job with limits where they help; empty if the user stopped it. */
  Optional<GgufOutput.Job> clip(PlanRun run, GgufOutput.Job job) throws IOException {
    if (!isAuto()) {
      return Optional.of(job);
    }
    int windows = PlanSearch.isLarge(job.source()) ? LARGE_WINDOWS : WINDOWS;
    return run.clip(job.source(), job.plan(), job.method(), windows)
        .map(plan -> new GgufOutput.Job(job.source(), plan, job.method()));
  }
}
