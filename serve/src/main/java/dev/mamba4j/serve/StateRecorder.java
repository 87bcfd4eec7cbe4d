package dev.mamba4j.serve;

import dev.mamba4j.engine.Mamba2State;
import java.io.IOException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** Has states remembered on a thread of its own: the one that runs the model only copies them. */
final class StateRecorder implements AutoCloseable {
  /** States that wait to be packed; more are not remembered. */
  private static final int MAX_UNPACKED = 8;

  private final StateCache cache;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().name("remembering").factory());
  private final AtomicInteger unpacked = new AtomicInteger();

  StateRecorder(StateCache cache) {
    this.cache = cache;
  }

  /**
   * Remembers a state as soon as there is time for it; one that is to be saved, always.
   *
   * @param state what has read the tokens; may go on at once
   * @param saving told of it if it is to stay; or null
   */
  void record(int[] tokens, Mamba2State state, Sequence.SaveListener saving) {
    boolean worthwhile = cache.enabled() && tokens.length >= StateCache.SHORTEST;
    if (saving == null && (!worthwhile || unpacked.get() >= MAX_UNPACKED)) {
      return;
    }
    unpacked.incrementAndGet();
    Mamba2State copy = state.fork();
    thread.execute(() -> pack(tokens, copy, saving));
  }

  private void pack(int[] tokens, Mamba2State copy, Sequence.SaveListener saving) {
    try (copy) {
      String id = cache.remember(tokens, copy, saving != null);
      if (saving != null) {
        saving.saved(id);
      }
    } catch (IOException | RuntimeException e) {
      // A state that is not remembered costs time and nothing else, unless a client waits for it.
      if (saving != null) {
        saving.failed(e);
      }
    } finally {
      unpacked.decrementAndGet();
    }
  }

  /** Waits for those that are being packed. */
  @Override
  public void close() {
    thread.close();
  }
}
