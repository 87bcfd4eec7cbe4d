package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import java.io.IOException;
import java.util.Optional;

/**
 * What decoding a token costs.
 *
 * @param joules of energy
 * @param source what counted it, for people
 */
public record EnergyPerToken(double joules, String source) {
  /** Counters are renewed every millisecond or so; this long, that does not matter. */
  private static final double LONG_ENOUGH_SECONDS = 0.5;

  /** Decodes for half a second or more; empty if the machine counts no energy. */
  public static Optional<EnergyPerToken> measure(LanguageModel model) {
    Optional<EnergyCounter> found = EnergyCounter.find();
    if (found.isEmpty()) {
      return Optional.empty();
    }
    EnergyCounter counter = found.get();
    float[] logits = new float[model.mamba2().config().vocabulary()];
    try (Mamba2State state = model.mamba2().newState()) {
      EnergyCounter.Reading before = counter.read();
      long start = System.nanoTime();
      int steps = 0;
      do {
        model.mamba2().step(state, steps++ % model.vocabulary(), logits);
      } while ((System.nanoTime() - start) / 1e9 < LONG_ENOUGH_SECONDS);
      return Optional.of(new EnergyPerToken(counter.joulesSince(before) / steps, counter.source()));
    } catch (IOException _) {
      return Optional.empty(); // a counter that has gone
    }
  }
}
