package dev.mamba4j.compress.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * An HTTP/1.1 server on bare sockets, one answer per connection, whose every byte a test decides.
 */
final class RawServer implements AutoCloseable {

  /** A request; names of headers in lower case. */
  record Request(String method, String target, Map<String, String> headers) {
    String path() {
      return target.split("\\?", 2)[0];
    }
  }

  /** What happens to the connection. */
  enum End {
    /** All is sent. */
    COMPLETE,
    /** Closed in order after {@code sent} bytes of the body. */
    CLOSED,
    /** Reset after {@code sent} bytes of the body. */
    RESET,
    /** Left open and silent after {@code sent} bytes of the body. */
    SILENT
  }

  /** An answer. Status 0: the connection ends before any byte. */
  static final class Answer {
    private final int status;
    private final Map<String, String> headers;
    private final byte[] body;
    private final End end;
    private final int sent;

    private Answer(int status, Map<String, String> headers, byte[] body, End end, int sent) {
      this.status = status;
      this.headers = headers;
      this.body = body;
      this.end = end;
      this.sent = sent;
    }

    int status() {
      return status;
    }

    Map<String, String> headers() {
      return headers;
    }

    byte[] body() {
      return body;
    }

    static Answer of(int status, Map<String, String> headers, byte[] body) {
      return new Answer(status, headers, body, End.COMPLETE, body.length);
    }

    static Answer status(int status, String... headers) {
      Map<String, String> fields = new TreeMap<>();
      for (int i = 0; i < headers.length; i += 2) {
        fields.put(headers[i], headers[i + 1]);
      }
      return of(status, fields, new byte[0]);
    }

    /** Where the body begins in the file that it is a part of. */
    private long firstByte() {
      String range = headers.getOrDefault("Content-Range", "bytes 0-");
      return Long.parseLong(range.substring("bytes ".length(), range.indexOf('-')));
    }

    Answer ending(End how, int after) {
      return new Answer(status, headers, body, how, Math.min(after, body.length));
    }

    Answer with(String header, String value) {
      Map<String, String> fields = new TreeMap<>(headers);
      fields.put(header, value);
      return new Answer(status, fields, body, end, sent);
    }
  }

  private static final int MOST_WAITS = 400;

  /** How much of a file the client has written; an answer that is cut waits for it. */
  volatile LongSupplier received = () -> Long.MAX_VALUE;

  private final ServerSocket socket;
  private final Function<Request, Answer> script;
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final CountDownLatch closing = new CountDownLatch(1);

  RawServer(Function<Request, Answer> script) throws IOException {
    this.script = script;
    this.socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  String address() {
    return "http://127.0.0.1:" + socket.getLocalPort();
  }

  List<Request> requests() {
    return requests;
  }

  private void accept() {
    while (true) {
      Socket connection;
      try {
        connection = socket.accept();
      } catch (IOException _) {
        return;
      }
      Thread.ofVirtual().start(() -> serve(connection));
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      Request request = read(connection.getInputStream());
      requests.add(request);
      send(script.apply(request), connection);
    } catch (IOException | InterruptedException _) {
      // The client went away, which some tests are about.
    }
  }

  private static Request read(InputStream in) throws IOException {
    String[] first = line(in).split(" ", 3);
    Map<String, String> headers = new TreeMap<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    return new Request(first[0], first[1], headers);
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    int c;
    while ((c = in.read()) != '\n') {
      if (c < 0) {
        throw new IOException("end of request");
      }
      line.append((char) c);
    }
    return line.toString().strip();
  }

  private void send(Answer answer, Socket connection) throws IOException, InterruptedException {
    OutputStream out = connection.getOutputStream();
    if (answer.status != 0) {
      StringBuilder head = new StringBuilder("HTTP/1.1 " + answer.status + " Scripted\r\n");
      answer.headers.forEach((name, value) -> head.append(name + ": " + value + "\r\n"));
      if (!answer.headers.containsKey("Content-Length")) {
        head.append("Content-Length: " + answer.body.length + "\r\n");
      }
      head.append("Connection: close\r\n\r\n");
      out.write(head.toString().getBytes(StandardCharsets.ISO_8859_1));
      out.write(answer.body, 0, answer.sent);
      out.flush();
    }
    switch (answer.end) {
      case COMPLETE -> {}
      case CLOSED -> awaitReceipt(answer);
      case RESET -> {
        awaitReceipt(answer);
        connection.setSoLinger(true, 0);
      }
      case SILENT -> closing.await();
    }
  }

  /** An end of the connection may drop what the client has not written yet. */
  private void awaitReceipt(Answer answer) throws InterruptedException {
    long end = answer.firstByte() + answer.sent;
    for (int i = 0; i < MOST_WAITS && received.getAsLong() < end; i++) {
      Thread.sleep(5);
    }
  }

  @Override
  public void close() throws IOException {
    closing.countDown();
    socket.close();
  }
}
