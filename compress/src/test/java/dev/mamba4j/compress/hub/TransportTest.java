package dev.mamba4j.compress.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Endpoints that cannot be reached, and what their redirects may do. */
@Timeout(20)
class TransportTest {
  private static final RepositoryReference REPOSITORY =
      new RepositoryReference("owner/name", "main");
  private static final RetryPolicy IMPATIENT =
      new RetryPolicy(
          Duration.ofSeconds(1),
          Duration.ofMillis(200),
          2,
          Duration.ofMillis(1),
          Duration.ofSeconds(1));

  @Test
  void saysThatAHostIsUnknown() {
    assertUnreachable("https://no-such-host.invalid")
        .contains("cannot find the host of https://no-such-host.invalid", "HF_ENDPOINT");
  }

  @Test
  void saysThatAConnectionIsRefused() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    assertUnreachable("http://127.0.0.1:" + port).contains("cannot connect to http://127.0.0.1:");
  }

  @Test
  void saysThatAServerDoesNotSpeakTls() throws IOException {
    try (RawServer server = new RawServer(_ -> RawServer.Answer.status(200))) {
      assertUnreachable(server.address().replace("http:", "https:"))
          .contains("no secure connection to https://127.0.0.1:");
    }
  }

  @Test
  void saysThatAServerIsSilent() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 9, InetAddress.getLoopbackAddress())) {
      assertUnreachable("http://127.0.0.1:" + socket.getLocalPort())
          .contains("no answer within 0.2 s", "gave up after 2 tries");
    }
  }

  @Test
  void endsAnAnswerThatNeverDoes() throws IOException {
    AtomicReference<String> body = new AtomicReference<>("[".repeat(1000));
    try (RawServer server = new RawServer(_ -> FakeHub.json(body.get()))) {
      assertUnreachable(server.address()).contains("not valid JSON");
      body.set(" ".repeat((64 << 20) + 1));
      assertUnreachable(server.address()).contains("answer longer than 67.1 MB");
    }
  }

  private static AbstractStringAssert<?> assertUnreachable(String address) {
    return PullFixture.assertOneLine(
        () -> {
          try (HubClient client =
              new HubClient(Endpoint.of(address), Optional.of("hf_secret"), IMPATIENT)) {
            Snapshot snapshot = client.snapshot(REPOSITORY);
            assertThat(snapshot.files()).isEqualTo(List.of());
          }
        });
  }
}
