package dev.mamba4j.compress.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.compress.hub.RawServer.Answer;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole pulls from an endpoint that behaves, or refuses, or lies about names. */
class HubClientTest extends PullFixture {

  @Test
  void fetchesTheCheckpointAndRecordsWhereItCameFrom() throws Exception {
    hub.small("README.md", "# tiny").small("sub/config.json", "{}");
    PullResult result = pull();
    assertPulled();
    assertThat(paths(result.downloaded())).containsExactly(CONFIG, WEIGHTS);
    assertThat(names()).containsExactly(".mamba4j-source.json", CONFIG, WEIGHTS);
    JsonObject source = Json.read(folder.resolve(".mamba4j-source.json"));
    assertThat(source.string("repository")).isEqualTo("owner/tiny-mamba");
    assertThat(source.string("commit")).isEqualTo(FakeHub.COMMIT);
    assertThat(source.string("endpoint")).isEqualTo(hub.endpoint.address());
    assertThat(source.bool("complete", false)).isTrue();
  }

  @Test
  void doesNotFetchAgainWhatIsThere() throws Exception {
    pull();
    PullResult second = pull();
    assertThat(paths(second.upToDate())).containsExactly(CONFIG, WEIGHTS);
    assertThat(second.downloaded()).isEmpty();
    assertThat(hub.rangesAsked(WEIGHTS)).containsExactly("all");
  }

  @Test
  void replacesAFileOfTheRightSizeAndWrongContent() throws Exception {
    pull();
    byte[] damaged = weights.clone();
    damaged[1234] ^= 1;
    Files.write(folder.resolve(WEIGHTS), damaged);
    PullResult second = pull();
    assertThat(paths(second.downloaded())).containsExactly(WEIGHTS);
    assertPulled();
  }

  @Test
  void fetchesFoldersOddNamesAndEmptyFilesByPattern() throws Exception {
    hub.small("sub/naïve name+100%.txt", "x").small("sub/empty", "");
    pull("sub/*");
    assertThat(folder.resolve("sub/naïve name+100%.txt")).hasContent("x");
    assertThat(folder.resolve("sub/empty")).isEmptyFile();
    assertThat(folder.resolve(CONFIG)).doesNotExist();
  }

  @Test
  void sendsTheTokenToTheEndpointOnly() throws Exception {
    client.close();
    client = client(Optional.of("hf_secret"));
    pull();
    assertThat(hub.endpoint.requests())
        .isNotEmpty()
        .allSatisfy(
            request ->
                assertThat(request.headers()).containsEntry("authorization", "Bearer hf_secret"));
    assertThat(hub.contentHost.requests())
        .isNotEmpty()
        .allSatisfy(request -> assertThat(request.headers()).doesNotContainKey("authorization"));
  }

  @Test
  void readsAllPagesOfAListingFromTheEndpointThoughTheirLinksNameAnotherHost() throws Exception {
    hub.pageSize(1);
    pull();
    assertPulled();
    assertThat(hub.endpoint.requests())
        .extracting(RawServer.Request::target)
        .filteredOn(target -> target.contains("/tree/"))
        .containsExactly(
            FakeHub.treePath() + "?recursive=true",
            FakeHub.treePath() + "?recursive=true&cursor=1",
            FakeHub.treePath() + "?recursive=true&cursor=2");
  }

  @Test
  void refusesAListingWithoutEnd() {
    String link = "<x?recursive=true>; rel=\"next\"";
    hub.answerOnce(FakeHub.treePath(), FakeHub.json("[]").with("Link", link));
    assertThatThrownBy(this::plan).isInstanceOf(HubException.class).hasMessageContaining("itself");
  }

  @Test
  void asksForTheRevisionAndThenForItsCommit() throws Exception {
    client.pull(
        client.plan(RepositoryReference.parse("owner/tiny-mamba@refs/pr/1"), folder, List.of()),
        ProgressListener.NONE);
    assertPulled();
    assertThat(hub.endpoint.requests().getFirst().target())
        .isEqualTo("/api/models/owner/tiny-mamba/revision/refs%2Fpr%2F1?blobs=true");
  }

  @Test
  void followsARenamedRepository() throws Exception {
    hub.answerOnce(
        FakeHub.infoPath("main"),
        Answer.status(307, "Location", FakeHub.infoPath("refs%2Fpr%2F1")));
    pull();
    assertPulled();
  }

  @Test
  void takesFilesFromTheRepositoryInfoIfThereIsNoListing() throws Exception {
    hub.answerOnce(
        FakeHub.infoPath("main"),
        FakeHub.json(
            "{\"sha\":\""
                + FakeHub.COMMIT
                + "\",\"siblings\":[{\"rfilename\":\"model.safetensors\",\"size\":3000000,"
                + "\"blobId\":\"00\",\"lfs\":{\"sha256\":\""
                + FakeHub.hash("SHA-256", weights)
                + "\",\"size\":3000000,\"pointerSize\":134}}]}"));
    hub.answerOnce(FakeHub.treePath(), Answer.status(404));
    pull();
    assertThat(folder.resolve(WEIGHTS)).hasBinaryContent(weights);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../evil.safetensors",
        "/etc/evil",
        "a/../../evil",
        "a//evil",
        "./evil",
        "..",
        "",
        "a\\\\evil",
        "evil\\u0000",
        "evil\\n",
        "\\u001b[2Jevil",
        ".git/hooks/post-checkout"
      })
  void refusesAListingWithAHostileName(String name) throws Exception {
    hub.listAlso(
        "{\"type\":\"file\",\"size\":1,\"oid\":\""
            + "0".repeat(40)
            + "\",\"path\":\""
            + name
            + "\"}");
    assertOneLine(this::pull).contains("unsafe file name");
    assertThat(folder).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"file\",\"path\":\"x\",\"size\":-1,\"oid\":\"0000000000000000000000000000000000000000\"}",
        "{\"type\":\"file\",\"path\":\"x\",\"size\":1,\"oid\":\"zz\"}",
        "{\"type\":\"file\",\"path\":\"x\",\"size\":1}",
        "{\"type\":\"file\",\"path\":\"x\",\"size\":\"1\",\"oid\":\"\"}",
        "{\"type\":\"file\",\"size\":1}",
        "{\"path\":\"x\"}",
        "7",
        "nonsense",
        "{\"type\":\"file\",\"path\":\"config.json\",\"size\":1,\"oid\":\"0000000000000000000000000000000000000000\"}"
      })
  void refusesAListingThatIsNone(String entry) {
    hub.listAlso(entry);
    assertOneLine(this::pull).contains("/tree/");
  }

  @Test
  void saysWhenTheDiskIsTooSmall() throws Exception {
    hub.listAlso(
        "{\"type\":\"file\",\"path\":\"x.gguf\",\"size\":9000000000000000000,\"oid\":\""
            + "0".repeat(40)
            + "\"}");
    assertOneLine(() -> pull("*")).contains("needs 9.0 EB, but only").contains("free");
    assertThat(names()).containsExactly(".mamba4j-source.json");
  }

  @Test
  void keepsTwoModelsOutOfOneFolder() throws Exception {
    pull();
    Snapshot other =
        new Snapshot(RepositoryReference.parse("someone/tiny-mamba"), FakeHub.COMMIT, List.of());
    assertOneLine(() -> client.pull(new PullPlan(other, folder, List.of()), ProgressListener.NONE))
        .contains("holds files of owner/tiny-mamba");
  }

  @Test
  void saysWhenAFileIsInTheWayOfTheFolder() throws Exception {
    Files.createDirectories(folder.getParent());
    Files.writeString(folder, "");
    assertOneLine(this::pull).contains("cannot make the folder").contains("a file is in the way");
  }

  @Test
  void tellsAGatedRepositoryFromOtherRefusals() throws Exception {
    String info = FakeHub.infoPath("main");
    hub.answerOnce(info, Answer.status(401, "X-Error-Code", "GatedRepo"));
    assertOneLine(this::plan)
        .contains("gated", "HF_TOKEN", hub.endpoint.address() + "/owner/tiny-mamba");
    hub.answerOnce(info, Answer.status(401, "X-Error-Code", "RepoNotFound"));
    assertOneLine(this::plan).contains("absent, private or gated", "HF_TOKEN");
    client.close();
    client = client(Optional.of("hf_old"));
    hub.answerOnce(info, Answer.status(403));
    assertOneLine(this::plan).contains("the access token gives no access").doesNotContain("hf_old");
  }

  @Test
  void tellsAnAbsentRepositoryFromAnAbsentRevision() throws Exception {
    assertOneLine(() -> client.snapshot(RepositoryReference.parse("owner/nothing")))
        .contains("owner/nothing: no such repository");
    assertOneLine(() -> client.snapshot(RepositoryReference.parse("owner/tiny-mamba@v9")))
        .contains("owner/tiny-mamba: no revision \"v9\"");
  }

  @Test
  void saysWhenTheEndpointIsNoHub() {
    hub.answerOnce(FakeHub.infoPath("main"), Answer.status(404));
    hub.answerOnce("/api/models/owner/tiny-mamba/tree/main", Answer.status(404));
    assertOneLine(this::plan).contains("not found on " + hub.endpoint.address(), "HF_ENDPOINT");
    hub.answerOnce(FakeHub.infoPath("main"), FakeHub.json("<html>"));
    assertOneLine(this::plan).contains("does not answer as a Hugging Face endpoint");
  }

  @Test
  void quotesNothingThatCouldDisturbATerminal() {
    Answer answer = Answer.status(418, "X-Error-Message", "tea\u0085\u009b2J");
    hub.answerOnce(FakeHub.infoPath("main"), answer);
    assertOneLine(this::plan).contains("418: tea\\u0085\\u009b2J");
  }

  @Test
  void saysWhichFileTheEndpointDoesNotServe() {
    hub.answerOnce(FakeHub.filePath(CONFIG), Answer.status(404));
    assertOneLine(this::pull).contains("/config.json", "404");
  }
}
