package dev.mamba4j.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets work end in good order when the process is told to stop (Ctrl-C): the JVM then waits a
 * moment for the command to say what it has and to remove what is incomplete.
 */
final class Interruption {
  private static final long PATIENCE_SECONDS = 5;

  private final CountDownLatch finished = new CountDownLatch(1);
  private volatile boolean requested;
  private volatile boolean armed;

  /**
   * From here on the command looks at {@link #requested} often, or ends when its thread is
   * interrupted. Before that, Ctrl-C ends the process at once.
   */
  void arm() {
    if (!armed) {
      armed = true;
      Thread worker = Thread.currentThread();
      Runtime.getRuntime()
          .addShutdownHook(
              Thread.ofPlatform().name("interruption").unstarted(() -> request(worker)));
    }
  }

  private void request(Thread worker) {
    if (finished.getCount() == 0) {
      return;
    }
    requested = true;
    worker.interrupt();
    try {
      finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the command shall stop. */
  boolean requested() {
    return requested;
  }

  /** Asks the command to stop, as Ctrl-C does. */
  void request() {
    requested = true;
  }

  /** The command has said all that it has to say. */
  void finish() {
    finished.countDown();
  }
}
