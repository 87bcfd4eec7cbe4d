package dev.mamba4j.serve;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.Span;
import dev.mamba4j.formats.FormatException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;

/**
 * Runs sequences together: each pass over the weights takes the next token of all that decode and a
 * part of the prompts of those that begin, in turn, so that a long prompt holds up nobody for more
 * than that part. One thread runs the model; prompts are looked up among the remembered states, and
 * states packed, on others.
 */
final class Scheduler implements AutoCloseable {
  /** The most tokens of a pass while others decode: how long their next token may take. */
  private static final int SHARED_PASS = 64;

  private final LanguageModel model;
  private final ServerOptions.Limits limits;
  private final StateCache cache;
  private final StateRecorder recorder;
  private final StatePool pool;
  private final Metrics metrics;
  private final ExecutorService preparing = Executors.newVirtualThreadPerTaskExecutor();
  private final Thread thread = Thread.ofPlatform().name("scheduler").unstarted(this::serve);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock.
  private final ArrayDeque<Sequence> waiting = new ArrayDeque<>();
  private final List<Running> ready = new ArrayList<>();
  private int used; // of limits.parallel
  private boolean closed;
  private boolean aborted;

  // The scheduler's thread only.
  private final List<Running> active = new ArrayList<>();

  Scheduler(LanguageModel model, ServerOptions.Limits limits, StateCache cache, Metrics metrics) {
    this.model = model;
    this.limits = limits;
    this.cache = cache;
    recorder = new StateRecorder(cache);
    pool = new StatePool(model.mamba2());
    this.metrics = metrics;
    metrics.gauge("running", "Sequences that run.", () -> counted(() -> used));
    metrics.gauge("waiting", "Sequences that wait.", () -> counted(waiting::size));
    metrics.gauge("states", "States remembered.", cache::size);
    metrics.gauge("state_bytes", "Memory of the states remembered.", cache::memoryUsed);
    thread.start();
  }

  private double counted(IntSupplier count) {
    lock.lock();
    try {
      return count.getAsInt();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes sequences on, all or none.
   *
   * @throws ApiError if there is no room for them, or the server is about to stop
   */
  void submit(List<Sequence> sequences) {
    List<Sequence> begun;
    lock.lock();
    try {
      if (closed) {
        throw ApiError.of(503, "the server is stopping");
      }
      for (Sequence sequence : sequences) {
        if (sequence.width() > limits.parallel()) {
          throw ApiError.badParameter(
              "n", "at most " + limits.parallel() + " here", sequence.width());
        }
      }
      waiting.removeIf(this::isGone);
      int room = limits.queue() + limits.parallel();
      if (sequences.size() > room) {
        throw ApiError.of(
            400, "a request may hold at most " + room + " prompts, not " + sequences.size());
      }
      int places = room - used;
      if (waiting.size() + sequences.size() > places) {
        metrics.rejected.increment();
        throw ApiError.full();
      }
      waiting.addAll(sequences);
      begun = startWaiting();
    } finally {
      lock.unlock();
    }
    if (begun.size() == 1) {
      prepare(begun.getFirst()); // sooner than another thread would wake up
    } else {
      prepareAll(begun);
    }
  }

  private void prepareAll(List<Sequence> begun) {
    begun.forEach(sequence -> preparing.execute(() -> prepare(sequence)));
  }

  private boolean isGone(Sequence sequence) {
    if (sequence.cancelled().get()) {
      metrics.cancelled.increment();
      return true;
    }
    if (System.nanoTime() - sequence.deadline() >= 0) {
      sequence.fail(ApiError.of(503, "the request waited too long for its turn"));
      return true;
    }
    return false;
  }

  /** Takes those for which there is room, in order, to be prepared. Under the lock. */
  private List<Sequence> startWaiting() {
    List<Sequence> begun = new ArrayList<>();
    while (!waiting.isEmpty() && !closed) {
      Sequence next = waiting.peek();
      if (isGone(next)) {
        waiting.remove();
        continue;
      }
      if (used + next.width() > limits.parallel()) {
        break;
      }
      waiting.remove();
      used += next.width();
      begun.add(next);
    }
    return begun;
  }

  /** Finds what is remembered of a prompt. The last token is always read, for its logits. */
  private void prepare(Sequence sequence) {
    Mamba2State state = null;
    try {
      state = pool.take();
      StateCache.Found found =
          cache.enabled() && sequence.promptListener() == null
              ? cache.restore(sequence.prompt(), sequence.prompt().length - 1, state)
              : new StateCache.Found(0, 0);
      if (found.restored() == 0) {
        state.reset();
      }
      int branch = found.shared() >= StateCache.SHORTEST ? found.shared() : 0;
      Running running = Running.begin(model, sequence, state, found.restored(), branch);
      metrics.cachedTokens.add(found.restored());
      lock.lock();
      try {
        ready.add(running);
        changed.signal();
      } finally {
        lock.unlock();
      }
    } catch (FormatException | RuntimeException | OutOfMemoryError e) {
      sequence.fail(asError(e));
      release(state, sequence.width());
    }
  }

  private void release(Mamba2State state, int slots) {
    if (state != null) {
      pool.give(state);
    }
    lock.lock();
    try {
      used -= slots;
      prepareAll(startWaiting());
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  private static RuntimeException asError(Throwable cause) {
    return switch (cause) {
      case ApiError e -> e;
      case OutOfMemoryError _ -> ApiError.of(503, "not enough memory for another sequence now");
      default -> ApiError.of(500, "the model failed: " + cause.getMessage());
    };
  }

  private void serve() {
    while (awaitWork()) {
      dropCancelled();
      List<Span> spans = new ArrayList<>();
      List<Running> runners = plan(spans);
      if (!spans.isEmpty()) {
        pass(spans, runners);
      }
    }
  }

  /** Whether to go on; there is something to run then. */
  private boolean awaitWork() {
    lock.lock();
    try {
      while (true) {
        active.addAll(ready);
        ready.clear();
        if (aborted) {
          ApiError stopped = ApiError.of(503, "the server was stopped");
          active.forEach(running -> running.fail(stopped));
          active.forEach(running -> pool.give(running.state()));
          active.forEach(running -> used -= running.slots());
          active.clear();
        }
        if (!active.isEmpty()) {
          return true;
        }
        if (closed && used == 0) {
          return false;
        }
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private void dropCancelled() {
    for (Iterator<Running> all = active.iterator(); all.hasNext(); ) {
      Running running = all.next();
      if (running.cancelled()) {
        all.remove();
        metrics.cancelled.increment();
        rememberEnd(running);
        release(running.state(), running.slots());
      }
    }
  }

  /** Fills in the spans of the next pass and returns whose they are. */
  private List<Running> plan(List<Span> spans) {
    List<Running> runners = new ArrayList<>();
    for (Running running : active) {
      if (!running.readsPrompt()) {
        spans.add(running.stepSpan());
        runners.add(running);
      }
    }
    int room = (spans.isEmpty() ? Mamba2.PASS_TOKENS : SHARED_PASS) - spans.size();
    for (Running running : List.copyOf(active)) {
      if (running.readsPrompt() && room > 0) {
        Span span = running.promptSpan(room);
        spans.add(span);
        runners.add(running);
        room -= span.length();
        // The next pass begins with another's prompt.
        active.remove(running);
        active.add(running);
      }
    }
    return runners;
  }

  private void pass(List<Span> spans, List<Running> runners) {
    long start = System.nanoTime();
    try {
      model.mamba2().run(spans);
    } catch (RuntimeException | OutOfMemoryError e) {
      for (Running running : runners) {
        end(running);
        running.fail(asError(e));
      }
      return;
    }
    long now = System.nanoTime();
    metrics.passes.increment();
    metrics.passNanos.add(now - start);
    for (int i = 0; i < spans.size(); i++) {
      Running running = runners.get(i);
      try {
        after(running, spans.get(i), now);
      } catch (FormatException | RuntimeException e) {
        end(running);
        running.fail(asError(e));
      }
    }
  }

  private void after(Running running, Span span, long now) throws FormatException {
    if (!running.readsPrompt()) {
      goOn(running, now);
      return;
    }
    metrics.promptTokens.add(span.length());
    running.advance(span.length());
    if (running.readsPrompt()) {
      if (running.atSnapshot()) {
        recorder.record(running.readTokens(), running.state(), null);
      }
      return;
    }
    boolean wanted = choose(running, now); // the first token is out before the state is copied
    recorder.record(running.readTokens(), running.state(), running.sequence().saving());
    for (Running sibling : running.siblings()) {
      active.add(sibling);
      goOn(sibling, now);
    }
    if (!wanted) {
      end(running);
    }
  }

  private void goOn(Running running, long now) {
    if (!choose(running, now)) {
      rememberEnd(running);
      end(running);
    }
  }

  private boolean choose(Running running, long now) {
    metrics.generatedTokens.increment();
    return running.choose(now);
  }

  private void end(Running running) {
    if (active.remove(running)) {
      release(running.state(), running.slots());
    }
  }

  /** The end of a turn is where the next one begins. */
  private void rememberEnd(Running running) {
    if (running.readsAnswer()) {
      recorder.record(running.allReadTokens(), running.state(), null);
    }
  }

  /** Takes no more on, lets what runs end within the time given, and stops the rest. */
  void stop(Duration grace) {
    lock.lock();
    try {
      closed = true;
      ApiError stopping = ApiError.of(503, "the server is stopping");
      waiting.forEach(sequence -> sequence.fail(stopping));
      waiting.clear();
      changed.signal();
    } finally {
      lock.unlock();
    }
    try {
      if (!thread.join(grace)) {
        abort();
        thread.join();
      }
    } catch (InterruptedException _) {
      abort();
      Thread.currentThread().interrupt();
    }
  }

  private void abort() {
    lock.lock();
    try {
      aborted = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Stops at once. */
  @Override
  public void close() {
    stop(Duration.ZERO);
    preparing.close();
    recorder.close();
    pool.close();
  }
}
