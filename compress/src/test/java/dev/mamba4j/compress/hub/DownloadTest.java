package dev.mamba4j.compress.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.compress.hub.RawServer.Answer;
import dev.mamba4j.compress.hub.RawServer.End;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One file over connections that are cut, silent, slow, or wrong. */
@Timeout(30)
class DownloadTest extends PullFixture {

  @ParameterizedTest
  @ValueSource(ints = {65_536, 1_500_000, 2_999_999})
  void goesOnWhereTheConnectionWasCut(int sent) throws Exception {
    hub.spoil(WEIGHTS, answer -> answer.ending(End.CLOSED, sent));
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("all", "bytes=" + sent + "-");
    assertThat(retries).hasSize(1);
  }

  @Test
  void goesOnWhereTheConnectionFellSilent() throws Exception {
    bearNoSilence();
    hub.spoil(WEIGHTS, answer -> answer.ending(End.SILENT, 1_500_000));
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("all", "bytes=1500000-");
    assertThat(retries.getFirst()).contains("no data for 0.3 s");
  }

  /** A reset drops what the client has not read yet, so it may go on earlier. */
  @ParameterizedTest
  @CsvSource({"CLOSED,1", "RESET,1", "RESET,1500000"})
  void survivesEndsThatLoseSentBytes(End end, int sent) throws Exception {
    hub.spoil(WEIGHTS, answer -> answer.ending(end, sent));
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource(names = {"CLOSED", "SILENT"})
  void asksAgainIfNoBodyComes(End end) throws Exception {
    bearNoSilence();
    hub.spoil(WEIGHTS, answer -> answer.ending(end, 0));
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("all", "all");
  }

  @ParameterizedTest
  @EnumSource(names = {"CLOSED", "SILENT"})
  void asksAgainIfNoAnswerComes(End end) throws Exception {
    bearNoSilence();
    hub.answerOnce(FakeHub.filePath(CONFIG), Answer.status(0).ending(end, 0));
    hub.answerOnce(FakeHub.infoPath("main"), Answer.status(0).ending(end, 0));
    pull();
    assertPulled();
  }

  @Test
  void survivesAnyNumberOfCutsAsLongAsMegabytesArrive() throws Exception {
    byte[] big = new byte[12_000_000];
    hub.large("big.gguf", big);
    for (int i = 0; i < 10; i++) {
      hub.spoil("big.gguf", answer -> answer.ending(End.CLOSED, 1 << 20));
    }
    pull("big.gguf");
    assertThat(folder.resolve("big.gguf")).hasBinaryContent(big);
    assertThat(retries).hasSize(10);
  }

  @Test
  void givesUpAfterSeveralTriesAndResumesInTheNextRun() throws Exception {
    for (int i = 0; i < 4; i++) {
      hub.spoil(WEIGHTS, answer -> answer.ending(End.CLOSED, 1000));
    }
    assertOneLine(this::pull)
        .contains("the connection was cut", "gave up after 4 tries", "run the same pull again");
    assertThat(partials()).hasSize(1);
    assertThat(folder.resolve(WEIGHTS)).doesNotExist();
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS))
        .containsExactly("all", "bytes=1000-", "bytes=2000-", "bytes=3000-", "bytes=4000-");
  }

  @Test
  void startsOverIfTheServerIgnoresRanges() throws Exception {
    hub.ignoreRanges();
    hub.spoil(WEIGHTS, answer -> answer.ending(End.CLOSED, 1_500_000));
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("all", "bytes=1500000-");
  }

  @Test
  void endsIfAServerIgnoresRangesAndIsAlwaysCutAtTheSamePlace() {
    hub.ignoreRanges();
    for (int i = 0; i < 9; i++) {
      hub.spoil(WEIGHTS, answer -> answer.ending(End.CLOSED, 2_000_000));
    }
    assertOneLine(this::pull).contains("gave up after 4 tries");
  }

  @Test
  void namesTheVersionItGoesOnWithSoThatAChangedOneIsSentWhole() throws Exception {
    hub.spoil(
        WEIGHTS,
        answer -> {
          hub.changeEtags("-new");
          return answer.ending(End.CLOSED, 1_500_000);
        });
    pull();
    assertPulled();
    assertThat(hub.contentHost.requests().getLast().headers().get("if-range"))
        .isEqualTo("\"" + FakeHub.hash("MD5", weights) + "\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ETag | \"another\"",
        "Content-Range | bytes 0-2999999/3000000",
        "Content-Range | bytes 1500000-2999999/4000000",
        "Content-Range | nonsense"
      })
  void startsOverIfAnotherRangeOrVersionComes(String header, String value) throws Exception {
    hub.spoil(WEIGHTS, answer -> answer.ending(End.CLOSED, 1_500_000));
    hub.spoil(WEIGHTS, answer -> answer.with(header, value));
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("all", "bytes=1500000-", "all");
  }

  @Test
  void startsOverIfTheServerRefusesTheRange() throws Exception {
    hub.spoil(WEIGHTS, answer -> answer.ending(End.CLOSED, 1_500_000));
    hub.spoil(WEIGHTS, _ -> Answer.status(416));
    pull();
    assertPulled();
  }

  @Test
  void fetchesOnceMoreIfTheChecksumIsWrong() throws Exception {
    hub.spoil(WEIGHTS, answer -> damaged(answer));
    hub.spoil(CONFIG, answer -> damaged(answer));
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("all", "all");
  }

  @Test
  void keepsNothingOfAFileThatIsWrongTwice() throws Exception {
    hub.spoil(WEIGHTS, answer -> damaged(answer));
    hub.spoil(WEIGHTS, answer -> damaged(answer));
    assertOneLine(this::pull).contains(WEIGHTS, "checksum", "twice");
    assertThat(names()).containsExactly(".mamba4j-source.json", CONFIG);
  }

  @Test
  void refusesABodyOfAnotherLength() throws Exception {
    byte[] page = "<html>please log in</html>".getBytes(UTF_8);
    hub.spoil(WEIGHTS, answer -> Answer.of(200, answer.headers(), page));
    hub.spoil(
        WEIGHTS, answer -> Answer.of(200, answer.headers(), Arrays.copyOf(weights, 3_000_001)));
    assertOneLine(this::pull).contains("has 3000001 bytes where the listing has 3000000");
    assertThat(partials()).isEmpty();
  }

  @Test
  void dropsALeftOverThatIsWrong() throws Exception {
    Path partial = leaveBehind(2_000_000);
    try (RandomAccessFile file = new RandomAccessFile(partial.toFile(), "rw")) {
      file.write(weights[0] ^ 1);
    }
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("bytes=2000000-", "all");
  }

  @Test
  void takesALeftOverThatIsComplete() throws Exception {
    leaveBehind(weights.length);
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).isEmpty();
  }

  @Test
  void doesNotContinueALeftOverOfAnotherVersionAndRemovesItInTheEnd() throws Exception {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve(WEIGHTS + ".0123456789ab.partial"), "old");
    Files.writeString(folder.resolve("mine.partial"), "not ours");
    pull();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("all");
    assertThat(partials()).containsExactly("mine.partial");
  }

  @Test
  void leavesAFileAloneThatAnotherPullIsWriting() throws Exception {
    Path partial = leaveBehind(1000);
    try (RandomAccessFile other = new RandomAccessFile(partial.toFile(), "rw")) {
      assertThat(other.getChannel().lock()).isNotNull();
      assertOneLine(this::pull).contains("another pull is writing it");
    }
    assertThat(partial).hasSize(1000);
  }

  @ParameterizedTest
  @ValueSource(ints = {429, 500, 502, 503, 504})
  void comesBackToABusyServer(int status) throws Exception {
    hub.answerOnce(FakeHub.infoPath("main"), Answer.status(status));
    hub.answerOnce(FakeHub.treePath(), Answer.status(status));
    hub.answerOnce(FakeHub.filePath(CONFIG), Answer.status(status));
    hub.spoil(WEIGHTS, _ -> Answer.status(status));
    pull();
    assertPulled();
  }

  @Test
  void getsANewSignedAddressIfTheOldOneHasRunOut() throws Exception {
    hub.spoil(WEIGHTS, _ -> Answer.status(403));
    pull();
    assertPulled();
  }

  @Test
  void waitsAsLongAsTheServerAsks() throws Exception {
    hub.answerOnce(FakeHub.infoPath("main"), Answer.status(429, "Retry-After", "1"));
    String date =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(3));
    hub.answerOnce(FakeHub.filePath(CONFIG), Answer.status(503, "Retry-After", date));
    long start = System.nanoTime();
    pull();
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(1900), Duration.ofSeconds(15));
  }

  @Test
  void doesNotWaitForHours() {
    hub.answerOnce(FakeHub.infoPath("main"), Answer.status(429, "Retry-After", "7200"));
    assertOneLine(this::plan).contains("too many requests", "asks to wait 7200 s");
  }

  @Test
  void givesUpOnAServerThatStaysBusy() {
    for (int i = 0; i < 4; i++) {
      hub.answerOnce(FakeHub.infoPath("main"), Answer.status(503));
    }
    assertOneLine(this::plan).contains("status 503", "gave up after 4 tries");
  }

  @Test
  void endsARingOfRedirects() {
    String path = FakeHub.filePath(CONFIG);
    for (int i = 0; i < 11; i++) {
      hub.answerOnce(path, Answer.status(302, "Location", path));
    }
    assertOneLine(this::pull).contains("more than 10 redirects");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"file:///etc/passwd", "http://", "ht tp://x", "gopher://x/y", "http:///x"})
  void refusesARedirectThatIsNoWebAddress(String location) {
    hub.answerOnce(FakeHub.filePath(CONFIG), Answer.status(302, "Location", location));
    assertOneLine(this::pull).contains("redirects to what is no");
  }

  @Test
  void keepsWhatHasArrivedWhenInterrupted() throws Exception {
    hub.spoil(WEIGHTS, answer -> answer.ending(End.SILENT, 1_000_000));
    Thread puller = Thread.currentThread();
    PullPlan plan = plan();
    ProgressListener interrupter =
        new ProgressListener() {
          @Override
          public void progress(HubFile file, long bytes) {
            if (bytes == 1_000_000) {
              puller.interrupt();
            }
          }
        };
    assertThatThrownBy(() -> client.pull(plan, interrupter))
        .isInstanceOf(InterruptedException.class);
    assertThat(partials()).hasSize(1);
    pull();
    assertPulled();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("all", "bytes=1000000-");
  }

  @Test
  void reportsProgressUpToTheLastByte() throws Exception {
    AtomicReference<List<String>> seen = new AtomicReference<>(List.of());
    client.pull(
        plan(WEIGHTS),
        new ProgressListener() {
          private long last;

          @Override
          public void progress(HubFile file, long bytes) {
            assertThat(bytes).isGreaterThanOrEqualTo(last);
            last = bytes;
          }

          @Override
          public void completed(HubFile file) {
            seen.set(List.of(file.path(), Long.toString(last)));
          }
        });
    assertThat(seen.get()).containsExactly(WEIGHTS, "3000000");
  }

  private Path leaveBehind(int bytes) throws Exception {
    HubFile file = plan(WEIGHTS).files().getFirst();
    Path partial = Partial.pathFor(file, folder.resolve(WEIGHTS));
    Files.createDirectories(folder);
    return Files.write(partial, Arrays.copyOf(weights, bytes));
  }

  private static Answer damaged(Answer answer) {
    byte[] body = answer.body().clone();
    body[body.length / 2] ^= 1;
    return Answer.of(answer.status(), answer.headers(), body);
  }
}
