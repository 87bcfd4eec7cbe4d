package dev.mamba4j.kernels;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A fixed team of threads that runs one {@link Work} at a time; the calling thread is a member.
 *
 * <p>Chunks are handed out one by one through a counter, so a slow or interrupted member takes
 * fewer and delays nobody by more than a chunk. So that it is rarely interrupted within one, a
 * member offers its processor to others now and then before it takes the next. A member that finds
 * none left spins briefly, since the next phase is near, and then parks. Running a work allocates
 * nothing.
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

  /** Less than the shortest time after which Linux takes a processor away. */
  private static final long TURN_NANOS = 1_000_000;

  private final ReentrantLock running = new ReentrantLock();
  private final List<Integer> home; // the processors that members keep to; empty for any
  private final Thread[] members;
  private final AtomicLong ticket = new AtomicLong(IDLE);
  private final AtomicInteger unfinished = new AtomicInteger();
  private final AtomicInteger sleepers = new AtomicInteger();

  // Written before the ticket that announces a phase, read after taking a chunk of it.
  private Work work;
  private Thread caller;
  private WorkListener listener;
  private int phase;
  private int phaseChunks;

  private volatile Throwable failure;
  private volatile boolean closed;

  /**
   * Starts a team that runs wherever the system likes.
   *
   * @param size number of threads, the calling one included
   */
  public WorkerTeam(int size) {
    this(size, List.of());
  }

  /**
   * Starts a team that prefers fast processors: if they are enough for all, its own threads run on
   * nothing else. The calling thread is not ours; the system moves it to what is left of the fast
   * ones, since it is busy.
   *
   * @param size number of threads, the calling one included
   */
  public WorkerTeam(int size, Processors processors) {
    this(size, processors.someAreSlow() ? processors.fast() : List.of());
  }

  private WorkerTeam(int size, List<Integer> preferred) {
    if (size < 1) {
      throw new IllegalArgumentException("a team of " + size + " threads");
    }
    home = size <= preferred.size() ? preferred : List.of();
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
      if (listener != null) {
        listener.begins(todo);
      }
      announce(0);
      long turn = System.nanoTime();
      for (long seen = ticket.get(); (seen & IDLE) == 0; seen = ticket.get()) {
        turn = giveWay(turn);
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
   * Tells a listener of the works that run from now on.
   *
   * @param told null for nobody
   * @throws IllegalStateException if this is called from a work of the team
   */
  public void tell(WorkListener told) {
    checkOutsideWork();
    running.lock();
    try {
      listener = told;
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
    if (!home.isEmpty()) {
      Affinity.keepTo(home);
    }
    long turn = System.nanoTime();
    while (!closed) {
      turn = giveWay(turn);
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

  /**
   * Lets others have the processor for a while, if they want it, when a turn is over. Nobody waits
   * for a member now; the system would take the processor away in the midst of a chunk, for which
   * all would wait.
   *
   * @param began when this member's turn began
   * @return when its turn now began
   */
  @SuppressWarnings("ThreadPriorityCheck") // only speed depends on it
  private static long giveWay(long began) {
    if (System.nanoTime() - began < TURN_NANOS) {
      return began;
    }
    if (!Thread.currentThread().isVirtual()) { // such a thread has no processor of its own
      Thread.yield();
    }
    return System.nanoTime();
  }

  /** The member that finished the last chunk ends the phase and announces the next. */
  private void end() {
    try {
      if (failure == null) {
        after(phase);
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
        after(next++);
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

  private void after(int ended) {
    work.after(ended);
    if (listener != null) {
      listener.ended(work, ended);
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
