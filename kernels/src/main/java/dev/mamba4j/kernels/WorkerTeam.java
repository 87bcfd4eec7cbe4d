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
 * cannot take a chunk of a phase that it does not know. It also says when the work has ended: after
 * that, its last member touches nothing that the next work needs.
 */
public final class WorkerTeam implements AutoCloseable {
  /** The most chunks that a phase may have. */
  public static final int MAX_CHUNKS = (1 << 20) - 1;

  private static final int CHUNK_BITS = 20;

  /** Set in the ticket while no work runs. */
  private static final long IDLE = 1L << CHUNK_BITS;

  private static final int PHASE_SHIFT = CHUNK_BITS + 1;
  private static final long SPIN_NANOS = 50_000;
  private static final int SPINS_PER_CLOCK = 64;

  private final ReentrantLock running = new ReentrantLock();
  private final Thread[] members;
  private final AtomicLong ticket = new AtomicLong(IDLE);
  private final AtomicInteger unfinished = new AtomicInteger();
  private final AtomicInteger sleepers = new AtomicInteger();

  // Written before the ticket that announces a phase, read after taking a chunk of it.
  private Work work;
  private Thread caller;
  private int phase;
  private int phaseChunks;

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
   * @throws IllegalStateException if the team is closed, or this is called from a work of the team
   */
  public void run(Work todo) {
    checkOutsideWork();
    running.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the worker team is closed");
      }
      failure = null;
      work = todo;
      caller = Thread.currentThread();
      announce(0);
      for (long seen = ticket.get(); (seen & IDLE) == 0; seen = ticket.get()) {
        takeChunkOrWait(seen);
      }
      work = null;
      caller = null;
      rethrow(failure);
    } finally {
      running.unlock();
    }
  }

  /**
   * Ends the threads, once a running work has ended.
   *
   * @throws IllegalStateException if this is called from a work of the team
   */
  @Override
  public void close() {
    checkOutsideWork();
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
    try {
      while (failure == null && next < work.phases() && (chunks = chunks(next)) == 0) {
        work.after(next++);
      }
    } catch (Throwable e) {
      failure = e;
    }
    phase = next;
    phaseChunks = chunks;
    unfinished.set(chunks);
    Thread waiting = caller;
    long number = (ticket.get() >>> PHASE_SHIFT) + 1;
    ticket.set((number << PHASE_SHIFT) | (chunks == 0 ? IDLE : chunks));
    // From here on another thread may run the next work: touch nothing of this one.
    if (sleepers.get() > 0) {
      wake(waiting);
      for (int i = 0; chunks > 0 && i < members.length; i++) {
        wake(members[i]);
      }
    }
  }

  private int chunks(int next) {
    int chunks = work.chunks(next);
    if (chunks < 0 || chunks > MAX_CHUNKS) {
      throw new IllegalArgumentException("phase " + next + " has " + chunks + " chunks");
    }
    return chunks;
  }

  /** A thread does not wake itself: that would only cut its next sleep short. */
  private static void wake(Thread thread) {
    if (thread != Thread.currentThread()) {
      LockSupport.unpark(thread);
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

  /** A work that waited for its own team would wait for itself. */
  private void checkOutsideWork() {
    boolean inside = running.isHeldByCurrentThread();
    for (Thread member : members) {
      inside |= member == Thread.currentThread();
    }
    if (inside) {
      throw new IllegalStateException("a work cannot run another on its own team, nor close it");
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
