package dev.mamba4j.kernels;

/**
 * Is told when the works of a {@link WorkerTeam} begin and when their phases end: by any thread of
 * the team, but one call at a time, each seeing what those before it wrote.
 */
public interface WorkListener {
  /** A work is about to run. */
  void begins(Work work);

  /** A phase has ended, and {@link Work#after} too. */
  void ended(Work work, int phase);
}
