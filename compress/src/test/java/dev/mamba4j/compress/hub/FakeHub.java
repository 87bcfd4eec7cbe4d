package dev.mamba4j.compress.hub;

import dev.mamba4j.compress.hub.RawServer.Answer;
import dev.mamba4j.compress.hub.RawServer.Request;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.UnaryOperator;

/**
 * Plays a Hugging Face endpoint with one repository, and the other host that large files come from.
 * The shapes of the answers are those of the public Hub.
 */
final class FakeHub implements AutoCloseable {
  static final String REPOSITORY = "owner/tiny-mamba";
  static final String COMMIT = "89abcdef0123456789abcdef0123456789abcdef";

  private static final class Stored {
    private final byte[] content;
    private final boolean large;

    Stored(byte[] content, boolean large) {
      this.content = content;
      this.large = large;
    }
  }

  private final Map<String, Stored> files = new LinkedHashMap<>();
  private final Map<String, Deque<UnaryOperator<Answer>>> faults = new ConcurrentHashMap<>();
  private final Map<String, Deque<Answer>> overrides = new ConcurrentHashMap<>();
  private String extraEntries = "";
  private int pageSize = 1000;
  private boolean ranges = true;
  private String etagSuffix = "";
  final RawServer endpoint;
  final RawServer contentHost;

  FakeHub() throws IOException {
    contentHost = new RawServer(this::content);
    endpoint = new RawServer(this::answer);
  }

  /** Adds a small file, kept in Git. */
  FakeHub small(String path, String content) {
    files.put(path, new Stored(content.getBytes(StandardCharsets.UTF_8), false));
    return this;
  }

  /** Adds a large file, kept elsewhere. */
  FakeHub large(String path, byte[] content) {
    files.put(path, new Stored(content, true));
    return this;
  }

  /** Adds entries to the listing, as JSON, that are not checked. */
  void listAlso(String entries) {
    extraEntries = entries;
  }

  void pageSize(int entries) {
    pageSize = entries;
  }

  void ignoreRanges() {
    ranges = false;
  }

  void changeEtags(String suffix) {
    etagSuffix = suffix;
  }

  /** Spoils the next answer that carries the content of a file. */
  void spoil(String path, UnaryOperator<Answer> fault) {
    faults.computeIfAbsent(path, _ -> new ConcurrentLinkedDeque<>()).add(fault);
  }

  /** Gives the next request for an address (without query) another answer. */
  void answerOnce(String path, Answer answer) {
    overrides.computeIfAbsent(path, _ -> new ConcurrentLinkedDeque<>()).add(answer);
  }

  /** The range headers of the requests for a large file's content, "all" where there was none. */
  List<String> rangesAsked(String path) {
    return contentHost.requests().stream()
        .filter(request -> request.path().equals("/content/" + path))
        .map(request -> request.headers().getOrDefault("range", "all"))
        .toList();
  }

  static String infoPath(String revision) {
    return "/api/models/" + REPOSITORY + "/revision/" + revision;
  }

  static String treePath() {
    return "/api/models/" + REPOSITORY + "/tree/" + COMMIT;
  }

  static String filePath(String path) {
    return "/" + REPOSITORY + "/resolve/" + COMMIT + "/" + path;
  }

  private Answer answer(Request request) {
    Deque<Answer> override = overrides.getOrDefault(request.path(), new ArrayDeque<>());
    Answer special = override.poll();
    if (special != null) {
      return special;
    }
    String path = URLDecoder.decode(request.path(), StandardCharsets.UTF_8);
    if (path.equals(infoPath("main")) || path.equals(infoPath("refs/pr/1"))) {
      return json("{\"id\":\"" + REPOSITORY + "\",\"sha\":\"" + COMMIT + "\",\"gated\":false}");
    }
    if (path.startsWith("/api/models/" + REPOSITORY + "/revision/")) {
      return Answer.status(404, "X-Error-Code", "RevisionNotFound");
    }
    if (path.equals(treePath())) {
      return page(request);
    }
    String prefix = filePath("");
    if (path.startsWith(prefix) && files.containsKey(path.substring(prefix.length()))) {
      String name = path.substring(prefix.length());
      Stored file = files.get(name);
      return file.large
          ? Answer.status(
              302, "Location", contentHost.address() + "/content/" + name + "?sig=a%2Fb")
          : spoiled(name, body(request, file.content));
    }
    return Answer.status(404, "X-Error-Code", "RepoNotFound");
  }

  private Answer content(Request request) {
    String name =
        URLDecoder.decode(request.path(), StandardCharsets.UTF_8).substring("/content/".length());
    return spoiled(name, body(request, files.get(name).content));
  }

  private Answer spoiled(String path, Answer answer) {
    UnaryOperator<Answer> fault = faults.getOrDefault(path, new ArrayDeque<>()).poll();
    return fault == null ? answer : fault.apply(answer);
  }

  private Answer body(Request request, byte[] content) {
    String etag = "\"" + hash("MD5", content) + etagSuffix + "\"";
    String range = request.headers().get("range");
    String condition = request.headers().getOrDefault("if-range", etag);
    if (range == null || !ranges || !condition.equals(etag)) {
      return Answer.of(200, Map.of("ETag", etag), content);
    }
    int from = Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
    String extent = "bytes " + from + "-" + (content.length - 1) + "/" + content.length;
    return Answer.of(
        206,
        Map.of("ETag", etag, "Content-Range", extent),
        Arrays.copyOfRange(content, from, content.length));
  }

  private Answer page(Request request) {
    List<String> entries = new ArrayList<>();
    entries.add("{\"type\":\"directory\",\"oid\":\"" + COMMIT + "\",\"size\":0,\"path\":\"sub\"}");
    files.forEach((path, file) -> entries.add(entry(path, file)));
    if (!extraEntries.isEmpty()) {
      entries.add(extraEntries);
    }
    int cursor = request.target().indexOf("cursor=");
    int from = cursor < 0 ? 0 : Integer.parseInt(request.target().substring(cursor + 7));
    int to = Math.min(from + pageSize, entries.size());
    Answer answer = json("[" + String.join(",", entries.subList(from, to)) + "]");
    return to == entries.size()
        ? answer
        : answer.with(
            "Link",
            "<https://huggingface.co"
                + treePath()
                + "?recursive=true&cursor="
                + to
                + ">; rel=\"next\"");
  }

  private static String entry(String path, Stored file) {
    String common =
        "{\"type\":\"file\",\"path\":\"" + path + "\",\"size\":" + file.content.length + ",";
    return file.large
        ? common
            + "\"oid\":\""
            + COMMIT
            + "\",\"lfs\":{\"oid\":\""
            + hash("SHA-256", file.content)
            + "\",\"size\":"
            + file.content.length
            + ",\"pointerSize\":134},\"xetHash\":\""
            + "0".repeat(64)
            + "\"}"
        : common + "\"oid\":\"" + gitName(file.content) + "\"}";
  }

  static Answer json(String text) {
    return Answer.of(
        200,
        Map.of("Content-Type", "application/json; charset=utf-8"),
        text.getBytes(StandardCharsets.UTF_8));
  }

  private static String gitName(byte[] content) {
    byte[] head = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
    byte[] blob = Arrays.copyOf(head, head.length + content.length);
    System.arraycopy(content, 0, blob, head.length, content.length);
    return hash("SHA-1", blob);
  }

  static String hash(String algorithm, byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() throws IOException {
    endpoint.close();
    contentHost.close();
  }
}
