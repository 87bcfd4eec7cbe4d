package dev.mamba4j.kernels;

/**
 * A sequence of phases that a {@link WorkerTeam} runs. The chunks of a phase are independent and
 * run in any order on any thread; a phase begins when the one before it has ended.
 */
public interface Work {
  /** How many phases there are. */
  int phases();

  /** How many chunks a phase has: 0 to {@link WorkerTeam#MAX_CHUNKS}. */
  int chunks(int phase);

  /** What a phase does, for those who measure it. */
  default String name(int phase) {
    return "phase " + phase;
  }

  /** Does one chunk. */
  void run(int phase, int chunk);

  /** Does, on one thread, what must happen between a phase and the next. */
  default void after(int phase) {}
}
