package dev.mamba4j.compress.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractStringAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A fake hub with a small checkpoint, an impatient client, and a folder to pull into. */
abstract class PullFixture {
  static final String WEIGHTS = "model.safetensors";
  static final String CONFIG = "config.json";
  static final String CONFIG_TEXT = "{\"d_model\": 64}\n";

  @TempDir Path temporary;
  final byte[] weights = new byte[3_000_000];
  final List<String> retries = new ArrayList<>();
  FakeHub hub;
  HubClient client;
  Path folder;

  @BeforeEach
  void startHub() throws IOException {
    new Random(42).nextBytes(weights);
    hub = new FakeHub().small(CONFIG, CONFIG_TEXT).large(WEIGHTS, weights);
    client = client(Optional.empty());
    folder = temporary.resolve("models").resolve("tiny-mamba");
    hub.contentHost.received = this::partialBytes;
    hub.endpoint.received = this::partialBytes;
  }

  @AfterEach
  void stopHub() throws IOException {
    client.close();
    hub.close();
  }

  /**
   * A client that soon tries again; silence it bears for long, since a test machine may be slow.
   */
  HubClient client(Optional<String> token) throws HubException {
    return client(token, Duration.ofSeconds(10));
  }

  /** Replaces the client by one that takes silence for a cut. */
  void bearNoSilence() throws HubException {
    client.close();
    client = client(Optional.empty(), Duration.ofMillis(300));
  }

  private HubClient client(Optional<String> token, Duration readTimeout) throws HubException {
    RetryPolicy impatient =
        new RetryPolicy(
            Duration.ofSeconds(1), readTimeout, 4, Duration.ofMillis(5), Duration.ofSeconds(3));
    return new HubClient(Endpoint.of(hub.endpoint.address()), token, impatient);
  }

  PullPlan plan(String... include) throws IOException, InterruptedException {
    RepositoryReference repository = RepositoryReference.parse(FakeHub.REPOSITORY);
    return client.plan(repository, folder, List.of(include));
  }

  PullResult pull(String... include) throws IOException, InterruptedException {
    return client.pull(
        plan(include),
        new ProgressListener() {
          @Override
          public void retrying(HubFile file, String reason, Duration pause) {
            retries.add(reason);
          }
        });
  }

  void assertPulled() throws IOException {
    assertThat(folder.resolve(WEIGHTS)).hasBinaryContent(weights);
    assertThat(folder.resolve(CONFIG)).hasContent(CONFIG_TEXT.strip());
    assertThat(partials()).isEmpty();
  }

  private long partialBytes() {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(Partial.SUFFIX))
          .mapToLong(file -> file.toFile().length())
          .max()
          .orElse(0);
    } catch (IOException _) {
      return 0; // no folder yet
    }
  }

  List<String> partials() throws IOException {
    return names().stream().filter(name -> name.endsWith(".partial")).toList();
  }

  List<String> names() throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /** Runs what must fail with one line for the user, and gives the line. */
  static AbstractStringAssert<?> assertOneLine(ThrowingCallable action) {
    Throwable error = catchThrowable(action);
    assertThat(error).isInstanceOf(HubException.class);
    return assertThat(error.getMessage()).doesNotContain("\n", "\r", "\u001b");
  }

  static List<String> paths(List<HubFile> files) {
    return files.stream().map(HubFile::path).toList();
  }
}
