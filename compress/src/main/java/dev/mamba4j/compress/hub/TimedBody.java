package dev.mamba4j.compress.hub;

import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The body of an answer, read with a timeout. The client of the JDK has none for silence in a body:
 * a request's timeout ends with the headers, and in later JDKs bounds the whole body, which would
 * forbid long downloads. At most {@link #AHEAD} pieces wait to be read.
 */
final class TimedBody implements BodySubscriber<TimedBody>, AutoCloseable {
  private static final int AHEAD = 4;

  private sealed interface Event {}

  private record Data(List<ByteBuffer> buffers) implements Event {}

  private record Failed(Throwable cause) implements Event {}

  private record Ended() implements Event {}

  private final String origin;
  private final Duration timeout;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final Deque<ByteBuffer> current = new ArrayDeque<>();
  private Subscription subscription;
  private boolean closed;
  private boolean ended;

  /**
   * @param origin who sends, for messages
   * @param timeout longest silence
   */
  TimedBody(String origin, Duration timeout) {
    this.origin = origin;
    this.timeout = timeout;
  }

  /**
   * Reads at least one byte.
   *
   * @return how many bytes were read, or -1 at the end of the body
   */
  int read(byte[] target) throws TransientException, InterruptedException {
    while (current.isEmpty()) {
      if (ended) {
        return -1;
      }
      receive();
    }
    ByteBuffer buffer = current.getFirst();
    int count = Math.min(buffer.remaining(), target.length);
    buffer.get(target, 0, count);
    if (!buffer.hasRemaining()) {
      current.removeFirst();
    }
    return count;
  }

  /** Reads the whole of a small body, which must end within a time. */
  byte[] readAll(int limit, Duration deadline)
      throws TransientException, HubException, InterruptedException {
    long end = System.nanoTime() + deadline.toNanos();
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] piece = new byte[1 << 14];
    int count;
    while ((count = read(piece)) >= 0) {
      if (count > limit - all.size()) {
        throw new HubException(origin + ": answer longer than " + ByteCount.text(limit));
      }
      all.write(piece, 0, count);
      if (System.nanoTime() - end > 0) {
        throw new HubException(origin + ": answer took longer than " + deadline.toSeconds() + " s");
      }
    }
    return all.toByteArray();
  }

  private void receive() throws TransientException, InterruptedException {
    Event event = events.poll(timeout.toNanos(), TimeUnit.NANOSECONDS);
    switch (event) {
      case null ->
          throw TransientException.broken(
              origin + ": no data for " + seconds(timeout) + " s", null);
      case Data data -> {
        data.buffers.stream().filter(ByteBuffer::hasRemaining).forEach(current::addLast);
        request(1);
      }
      case Failed failed ->
          throw TransientException.broken(origin + ": the connection was cut", failed.cause);
      case Ended _ -> ended = true;
    }
  }

  static String seconds(Duration time) {
    return time.toMillis() % 1000 == 0
        ? Long.toString(time.toSeconds())
        : Double.toString(time.toMillis() / 1000.0);
  }

  private synchronized void request(int pieces) {
    subscription.request(pieces);
  }

  /** Drops what was not read, and the connection with it. */
  @Override
  public synchronized void close() {
    closed = true;
    if (subscription != null) {
      subscription.cancel();
    }
  }

  @Override
  public synchronized void onSubscribe(Subscription subscription) {
    this.subscription = subscription;
    if (closed) {
      subscription.cancel();
    } else {
      subscription.request(AHEAD);
    }
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    events.add(new Data(buffers));
  }

  @Override
  public void onError(Throwable cause) {
    events.add(new Failed(cause));
  }

  @Override
  public void onComplete() {
    events.add(new Ended());
  }

  /** Done at once, so that the answer is there as soon as its headers are. */
  @Override
  public CompletionStage<TimedBody> getBody() {
    return CompletableFuture.completedStage(this);
  }
}
