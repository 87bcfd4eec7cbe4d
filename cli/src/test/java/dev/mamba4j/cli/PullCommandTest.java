package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command against a server that plays the Hub; the client has tests of its own. */
class PullCommandTest {
  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
  private static final Map<String, byte[]> FILES = new LinkedHashMap<>();

  static {
    FILES.put("config.json", "{}".getBytes(StandardCharsets.UTF_8));
    FILES.put("model.safetensors", new byte[100_000]);
    FILES.put("notes.txt", "no part of the model".getBytes(StandardCharsets.UTF_8));
  }

  @TempDir private Path folder;
  private HttpServer server;

  @BeforeEach
  void startServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    answer("/api/models/owner/name/revision/main", Json.write(Map.of("sha", COMMIT)));
    answer("/api/models/owner/name/tree/" + COMMIT, Json.write(tree()));
    FILES.forEach((name, bytes) -> answer("/owner/name/resolve/" + COMMIT + "/" + name, bytes));
    server.start();
  }

  private static List<Object> tree() {
    List<Object> entries = new ArrayList<>();
    FILES.forEach(
        (name, bytes) ->
            entries.add(
                Map.of("type", "file", "path", name, "size", bytes.length, "oid", blob(bytes))));
    return entries;
  }

  /** What Git calls a file of this content. */
  private static String blob(byte[] bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-1");
      digest.update(("blob " + bytes.length + "\0").getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private void answer(String path, String text) {
    answer(path, text.getBytes(StandardCharsets.UTF_8));
  }

  private void answer(String path, byte[] body) {
    server.createContext(
        path,
        exchange -> {
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
  }

  @AfterEach
  void stopServer() {
    server.stop(0);
  }

  private Outcome pull(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(Forked.command("pull"));
    command.addAll(List.of(arguments));
    return Forked.run(
        folder,
        Map.of(
            "HF_ENDPOINT",
            "http://127.0.0.1:" + server.getAddress().getPort(),
            "HF_HOME",
            folder.toString()),
        command);
  }

  @Test
  void fetchesWhatAnImportNeedsAndTellsIt() throws Exception {
    Path target = folder.resolve("model");
    JsonObject first = pull("owner/name", "--to", target.toString(), "--json").json();
    assertThat(first.list("downloaded")).isEqualTo(List.of("config.json", "model.safetensors"));
    assertThat(first.string("commit")).isEqualTo(COMMIT);
    assertThat(first.integer("bytes")).isEqualTo(100_002);
    assertThat(target.resolve("model.safetensors")).hasSize(100_000);
    assertThat(target.resolve("notes.txt")).doesNotExist();
    Outcome again = pull("owner/name", "--to", target.toString());
    assertThat(again.out()).contains(target + ": 100.0 kB in 2 files, 0 of them fetched now");
    assertThat(again.err()).isEmpty();
  }

  @Test
  void fetchesNamedFiles() throws Exception {
    Path target = folder.resolve("notes");
    JsonObject result =
        pull("owner/name", "--include", "*.txt", "--to", target.toString(), "--json").json();
    assertThat(result.list("downloaded")).isEqualTo(List.of("notes.txt"));
  }

  @Test
  void anUnknownRepositoryIsOneLine() throws Exception {
    Outcome outcome = pull("owner/other", "--to", folder.resolve("other").toString());
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("owner/other");
  }
}
