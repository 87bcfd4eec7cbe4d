package dev.mamba4j.serve;

import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import java.util.concurrent.ConcurrentLinkedQueue;

/** States that wait for the next sequence, since a large one takes a while to allocate. */
final class StatePool implements AutoCloseable {
  private final Mamba2 model;
  private final ConcurrentLinkedQueue<Mamba2State> idle = new ConcurrentLinkedQueue<>();

  StatePool(Mamba2 model) {
    this.model = model;
  }

  /** A state to be reset or unpacked into: it may hold what another sequence has read. */
  Mamba2State take() {
    Mamba2State state = idle.poll();
    return state == null ? model.newState() : state;
  }

  /** Takes a state back, or one that was forked. */
  void give(Mamba2State state) {
    idle.add(state);
  }

  /** Frees those that are here. */
  @Override
  public void close() {
    for (Mamba2State state = idle.poll(); state != null; state = idle.poll()) {
      state.close();
    }
  }
}
