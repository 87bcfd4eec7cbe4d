package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.kernels.Processors;
import dev.mamba4j.kernels.Work;
import dev.mamba4j.kernels.WorkListener;
import dev.mamba4j.kernels.WorkerTeam;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The time that a part of the step takes in decoding a token, all layers together.
 *
 * @param part norm, in_proj, conv, scan, gate_norm, out_proj or head
 * @param seconds mean of some tokens. Convolution and scan share a phase, whose time is split as
 *     that of the threads is; B and C are convolved at the end of in_proj
 * @param work what it has to do
 */
public record PartTime(String part, double seconds, StepWork work) {
  /** What the engine calls the phase of convolution and scan. */
  private static final String HEADS = "heads";

  /** Decodes some tokens and takes the time of each part. */
  public static List<PartTime> measure(LanguageModel model, int tokens) throws FormatException {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    Clock clock = new Clock();
    TimedKernels kernels = new TimedKernels(model.kernels());
    try (WorkerTeam team = new WorkerTeam(model.threads(), Processors.ofThisProcess());
        Mamba2 timed = Mamba2.of(model.file(), kernels, team, model.mamba2().precision());
        Mamba2State state = timed.newState()) {
      timed.step(state, 0, logits); // warms up
      kernels.reset();
      team.tell(clock);
      for (int i = 0; i < tokens; i++) {
        timed.step(state, i % model.vocabulary(), logits);
      }
    }
    Map<String, StepWork> work = StepWork.of(model);
    double convolution = kernels.convolutionShare();
    List<PartTime> parts = new ArrayList<>();
    clock.nanos.forEach(
        (phase, nanos) -> {
          double seconds = nanos / 1e9 / tokens;
          if (phase.equals(HEADS)) {
            parts.add(of(StepWork.CONV, seconds * convolution, work));
            parts.add(of(StepWork.SCAN, seconds * (1 - convolution), work));
          } else {
            parts.add(of(phase, seconds, work));
          }
        });
    return parts;
  }

  private static PartTime of(String part, double seconds, Map<String, StepWork> work) {
    return new PartTime(part, seconds, work.get(part));
  }

  /** Bytes per second that the part moved. */
  public double bytesPerSecond() {
    return work.bytes() / seconds;
  }

  /** Operations per second that the part did. */
  public double operationsPerSecond() {
    return work.operations() / seconds;
  }

  /** A phase takes from the end of the one before it to its own. */
  private static final class Clock implements WorkListener {
    private final Map<String, Long> nanos = new LinkedHashMap<>();
    private long last;

    @Override
    public void begins(Work work) {
      last = System.nanoTime();
    }

    @Override
    public void ended(Work work, int phase) {
      long now = System.nanoTime();
      nanos.merge(work.name(phase), now - last, Long::sum);
      last = now;
    }
  }
}
