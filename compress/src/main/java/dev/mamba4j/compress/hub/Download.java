package dev.mamba4j.compress.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Fetches one file. A cut connection is taken up where it ended, by a range request that names the
 * version (RFC 9110, sections 13.1.5 and 14); a server that answers with the whole file, or with
 * another version, makes it start over. Wrong bytes are dropped and fetched once more.
 */
final class Download {
  private static final int PIECE = 1 << 16;

  /** New bytes after which earlier failures are forgotten. */
  private static final long PROGRESS = 1 << 20;

  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

  private final Transport transport;
  private final Refusal refusal;
  private final HubFile file;
  private final URI address;
  private final ProgressListener listener;
  private final Attempts attempts;
  private Optional<String> version = Optional.empty();

  Download(
      Transport transport,
      Refusal refusal,
      RetryPolicy policy,
      Snapshot snapshot,
      HubFile file,
      ProgressListener listener) {
    this.transport = transport;
    this.refusal = refusal;
    this.file = file;
    this.listener = listener;
    this.address = refusal.endpoint().file(snapshot.repository(), snapshot.commit(), file.path());
    this.attempts =
        new Attempts(
            policy,
            "what has arrived is kept: run the same pull again to resume",
            (reason, pause) -> listener.retrying(file, reason, pause));
  }

  /** The server sent what cannot be the file. */
  private static final class WrongContentException extends IOException {
    private static final long serialVersionUID = 1L;

    WrongContentException(String message) {
      super(message);
    }
  }

  /** Fetches the file to a path. */
  void to(Path target) throws IOException, InterruptedException {
    try (Partial partial = Partial.open(file, target)) {
      listener.progress(file, partial.size());
      try {
        fetch(partial);
      } catch (WrongContentException _) {
        partial.restart();
        version = Optional.empty();
        listener.progress(file, 0);
        fetchAgain(partial);
      }
    }
    listener.completed(file);
  }

  private void fetchAgain(Partial partial) throws IOException, InterruptedException {
    try {
      fetch(partial);
    } catch (WrongContentException e) {
      partial.restart();
      throw new HubException(
          file.path() + ": " + e.getMessage() + ", twice; dropped; the endpoint serves it wrong",
          e);
    }
  }

  private void fetch(Partial partial) throws IOException, InterruptedException {
    long most = partial.size();
    while (partial.missing() > 0) {
      try {
        attempt(partial);
      } catch (TransientException e) {
        if (partial.size() >= most + PROGRESS) {
          most = partial.size();
          attempts.progressed();
        }
        attempts.pauseAfter(e);
      }
    }
    if (!partial.complete()) {
      throw new WrongContentException(
          "the checksum is not the listed " + file.checksum().hex().substring(0, 12) + "…");
    }
  }

  private void attempt(Partial partial) throws IOException, InterruptedException {
    Map<String, String> headers = new HashMap<>();
    if (partial.size() > 0) {
      headers.put("Range", "bytes=" + partial.size() + "-");
      version.ifPresent(etag -> headers.put("If-Range", etag));
    }
    try (Reply reply = transport.get(address, headers)) {
      switch (reply.status()) {
        case 200 -> startOver(partial);
        case 206 -> checkRange(reply, partial);
        case 416 -> {
          startOver(partial);
          throw TransientException.broken(
              Endpoint.origin(reply.address()) + ": cannot resume " + file.path(), null);
        }
        default -> throw refusal.of(reply);
      }
      version = strongEtag(reply);
      checkLength(reply, partial.missing());
      copy(reply, partial);
    }
  }

  private void startOver(Partial partial) throws HubException {
    if (partial.size() > 0) {
      partial.restart();
      listener.progress(file, 0);
    }
  }

  private void checkRange(Reply reply, Partial partial) throws IOException {
    Matcher range = CONTENT_RANGE.matcher(reply.header("Content-Range").orElse(""));
    boolean fits =
        range.matches()
            && Long.parseLong(range.group(1)) == partial.size()
            && (range.group(3).equals("*") || Long.parseLong(range.group(3)) == file.size());
    Optional<String> etag = strongEtag(reply);
    boolean same = version.isEmpty() || etag.isEmpty() || version.equals(etag);
    if (!fits || !same) {
      startOver(partial);
      version = Optional.empty();
      throw TransientException.broken(
          Endpoint.origin(reply.address())
              + (same ? ": sent another range than asked for" : ": the file changed meanwhile"),
          null);
    }
  }

  /** The entity tag, if it stands for the bytes; a weak one stands for the meaning only. */
  private static Optional<String> strongEtag(Reply reply) {
    return reply.header("ETag").filter(etag -> etag.startsWith("\""));
  }

  private void checkLength(Reply reply, long missing) throws WrongContentException {
    if (!reply.header("Content-Encoding").orElse("identity").equalsIgnoreCase("identity")) {
      throw new WrongContentException("the server sent it compressed");
    }
    String length = reply.header("Content-Length").orElse("");
    if (length.matches("\\d{1,18}") && Long.parseLong(length) != missing) {
      throw new WrongContentException(
          "the server has " + length + " bytes where the listing has " + missing);
    }
  }

  private void copy(Reply reply, Partial partial) throws IOException, InterruptedException {
    byte[] piece = new byte[PIECE];
    int count;
    while ((count = reply.body().read(piece)) >= 0) {
      if (count > partial.missing()) {
        throw new WrongContentException("the server sent more bytes than the listing has");
      }
      partial.append(piece, count);
      listener.progress(file, partial.size());
    }
    if (partial.missing() > 0) {
      throw TransientException.broken(
          Endpoint.origin(reply.address()) + ": the connection was cut", null);
    }
  }
}
