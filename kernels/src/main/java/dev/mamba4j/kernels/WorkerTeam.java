package dev.mamba4j.kernels;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A fixed team of threads that runs one {@link Work} at a time; the calling thread is a member.
 *
 * <p>Chunks are handed out one by one through a counter, so a slow or interrupted member takes
 * fewer and delays nobody by more than a chunk. A member that finds none left spins briefly, since
 * the next phase is near, and then parks. Running a work allocates nothing.
 *
 * <p>The counter, {@link #ticket}, holds the number of the phase (never reused) and the chunks that
 * are still to be taken. Taking one is a compare-and-set of both, so that a member that was held up
 * cannot take a chunk of a phase that it does not know.
 */
public final class WorkerTeam implements AutoCloseable {
  /** The most chunks that a phase may have. */
  public static final int MAX_CHUNKS = (1 << 20) - 1;

  private static final int CHUNK_BITS = 20;
  private static final long SPIN_NANOS = 50_000;
  private static final int SPINS_PER_CLOCK = 64;

  private final ReentrantLock running = new ReentrantLock();
  private final Thread[] members;
  private final AtomicLong ticket = new AtomicLong();
  private final AtomicInteger unfinished = new AtomicInteger();
  private final AtomicInteger sleepers = new AtomicInteger();

  // Written before the ticket that announces a phase, read after taking a chunk of it.
  private Work work;
  private int phase;
  private int phaseChunks;

  private volatile Thread caller;
  private volatile Throwable failure;
  private volatile boolean closed;

  /**
   * Starts a team.
   *
   * @param size number of threads, the calling one included
   */
  public WorkerTeam(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("a team of " + size + " threads");
    }
    members = new Thread[size - 1];
    for (int i = 0; i < members.length; i++) {
      members[i] =
          Thread.ofPlatform().daemon().name("mamba4j-worker-" + (i + 1)).unstarted(this::serve);
    }
    for (Thread member : members) {
      member.start();
    }
  }

  /** Number of threads, the calling one included. */
  public int size() {
    return members.length + 1;
  }

  /**
   * Runs all phases and returns when the last has ended. Works of several callers run one after the
   * other.
   *
   * @throws IllegalStateException if the team is closed
   */
  public void run(Work todo) {
    running.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the worker team is closed");
      }
      failure = null;
      work = todo;
      caller = Thread.currentThread();
      announce(0);
      long seen = ticket.get();
      while (caller != null) {
        takeChunkOrWait(seen);
        seen = ticket.get();
      }
      work = null;
      rethrow(failure);
    } finally {
      running.unlock();
    }
  }

  /** Ends the threads, once a running work has ended. */
  @Override
  public void close() {
    running.lock();
    try {
      closed = true;
      for (Thread member : members) {
        LockSupport.unpark(member);
      }
    } finally {
      running.unlock();
    }
  }

  private void serve() {
    while (!closed) {
      takeChunkOrWait(ticket.get());
    }
  }

  /** Takes and runs a chunk of the current phase, or returns when there may be one to take. */
  private void takeChunkOrWait(long seen) {
    int left = (int) (seen & MAX_CHUNKS);
    if (left == 0) {
      awaitChange(seen);
    } else if (ticket.compareAndSet(seen, seen - 1)) {
      try {
        if (failure == null) {
          work.run(phase, phaseChunks - left);
        }
      } catch (Throwable e) {
        failure = e;
      }
      if (unfinished.decrementAndGet() == 0) {
        end();
      }
    }
  }

  /** The member that finished the last chunk ends the phase and announces the next. */
  private void end() {
    try {
      if (failure == null) {
        work.after(phase);
      }
    } catch (Throwable e) {
      failure = e;
    }
    announce(phase + 1);
  }

  /** Makes a phase the current one, or the next that has chunks, or ends the work. */
  private void announce(int next) {
    int chunks = 0;
    while (failure == null && next < work.phases() && (chunks = work.chunks(next)) == 0) {
      work.after(next++);
    }
    if (chunks > MAX_CHUNKS) {
      failure = new IllegalArgumentException("phase " + next + " has " + chunks + " chunks");
    }
    boolean ended = failure != null || next >= work.phases();
    phase = next;
    phaseChunks = ended ? 0 : chunks;
    unfinished.set(phaseChunks);
    Thread waiting = caller;
    if (ended) {
      caller = null;
    }
    ticket.set((((ticket.get() >>> CHUNK_BITS) + 1) << CHUNK_BITS) | phaseChunks);
    if (ended) {
      LockSupport.unpark(waiting);
    } else if (sleepers.get() > 0) {
      LockSupport.unpark(waiting);
      for (Thread member : members) {
        LockSupport.unpark(member);
      }
    }
  }

  /** Returns when the ticket is no longer the one seen; now and then before. */
  private void awaitChange(long seen) {
    long until = System.nanoTime() + SPIN_NANOS;
    do {
      for (int i = 0; i < SPINS_PER_CLOCK; i++) {
        if (ticket.get() != seen) {
          return;
        }
        Thread.onSpinWait();
      }
    } while (System.nanoTime() < until);
    sleepers.incrementAndGet();
    try {
      if (ticket.get() == seen && !closed) {
        LockSupport.park(this);
      }
    } finally {
      sleepers.decrementAndGet();
    }
  }

  private static void rethrow(Throwable failure) {
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(failure);
    }
  }
}
