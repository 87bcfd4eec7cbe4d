package dev.mamba4j.compress.hub;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The Hub's interface as far as a pull needs it: the commit of a revision, and its files. Answers
 * are bounded in size, time and number of pages.
 */
final class HubApi {
  private static final int LONGEST_ANSWER = 64 << 20;
  private static final Duration ANSWER_TIME = Duration.ofMinutes(2);
  private static final int MOST_FILES = 200_000;
  private static final Pattern LINK = Pattern.compile("<([^<>]*)>([^<>]*)");
  private static final Pattern NEXT = Pattern.compile(";\\s*rel\\s*=\\s*\"?next\"?");

  private final Endpoint endpoint;
  private final Transport transport;
  private final RetryPolicy policy;

  HubApi(Endpoint endpoint, Transport transport, RetryPolicy policy) {
    this.endpoint = endpoint;
    this.transport = transport;
    this.policy = policy;
  }

  private record Document(HttpHeaders headers, URI address, Object json) {}

  /** The commit and the files of a revision. */
  Snapshot snapshot(RepositoryReference repository, Refusal refusal)
      throws IOException, InterruptedException {
    try {
      Optional<Document> answer = fetch(endpoint.revision(repository), refusal);
      // An endpoint that only lists and serves files, as some mirrors do, is good enough.
      String commit = repository.revision();
      List<?> siblings = List.of();
      if (answer.isPresent()) {
        JsonObject info = object(answer.get());
        commit = info.optionalString("sha").orElse(commit);
        siblings = info.has("siblings") ? info.list("siblings") : siblings;
      }
      Map<String, HubFile> files = tree(repository, commit, refusal);
      if (files.isEmpty()) {
        String where = endpoint.revision(repository) + ": siblings";
        add(files, siblings, where, HubApi::sibling);
      }
      if (files.isEmpty() && answer.isEmpty()) {
        throw refusal.unknown(endpoint.revision(repository));
      }
      return new Snapshot(repository, commit, List.copyOf(files.values()));
    } catch (FormatException e) {
      throw new HubException(
          endpoint + " does not answer as a Hugging Face endpoint: " + e.getMessage(), e);
    }
  }

  /** The pages of a listing; none if the endpoint does not know such an address. */
  private Map<String, HubFile> tree(RepositoryReference repository, String commit, Refusal refusal)
      throws IOException, InterruptedException {
    Map<String, HubFile> files = new LinkedHashMap<>();
    URI first = endpoint.tree(repository, commit);
    Set<URI> seen = new HashSet<>();
    Optional<URI> page = Optional.of(first);
    while (page.isPresent()) {
      if (!seen.add(page.get())) {
        throw new HubException(page.get() + ": the listing names itself as its next page");
      }
      Optional<Document> answer = fetch(page.get(), refusal);
      if (answer.isEmpty()) {
        return files;
      }
      Document document = answer.get();
      if (!(document.json instanceof List<?> entries)) {
        throw new FormatException(page.get() + ": expected an array of files");
      }
      add(files, entries, page.get().toString(), HubApi::entry);
      if (files.size() > MOST_FILES || seen.size() > MOST_FILES) {
        throw new HubException(repository + ": more than " + MOST_FILES + " files");
      }
      page = next(document, first);
    }
    return files;
  }

  /**
   * The next page. Only the query is taken from the link: a mirror may pass on links to the host
   * that it mirrors, and neither token nor trust must follow them.
   */
  private static Optional<URI> next(Document document, URI first) throws FormatException {
    for (String header : document.headers.allValues("Link")) {
      Matcher link = LINK.matcher(header);
      while (link.find()) {
        if (NEXT.matcher(link.group(2)).find()) {
          int query = link.group(1).indexOf('?');
          String address = first.toString();
          try {
            return Optional.of(
                URI.create(
                    address.substring(0, address.indexOf('?'))
                        + (query < 0 ? "" : link.group(1).substring(query))));
          } catch (IllegalArgumentException e) {
            throw new FormatException(first + ": not an address: " + link.group(1), e);
          }
        }
      }
    }
    return Optional.empty();
  }

  private interface EntryReader {
    Optional<HubFile> read(JsonObject entry) throws IOException;
  }

  private static void add(
      Map<String, HubFile> files, List<?> entries, String where, EntryReader reader)
      throws IOException {
    for (int i = 0; i < entries.size(); i++) {
      JsonObject entry = JsonObject.of(where + ": [" + i + "]", entries.get(i));
      Optional<HubFile> file = reader.read(entry);
      if (file.isPresent() && files.put(file.get().path(), file.get()) != null) {
        throw new HubException(entry.where() + ": lists \"" + file.get().path() + "\" twice");
      }
    }
  }

  private static Optional<HubFile> entry(JsonObject entry) throws IOException {
    return entry.string("type").equals("file")
        ? Optional.of(file(entry, entry.string("path"), "oid"))
        : Optional.empty();
  }

  private static Optional<HubFile> sibling(JsonObject entry) throws IOException {
    return Optional.of(file(entry, entry.string("rfilename"), "blobId"));
  }

  private static HubFile file(JsonObject entry, String path, String blobField) throws IOException {
    if (!HubFile.isSafe(path)) {
      throw new HubException(
          entry.where() + ": refused the unsafe file name \"" + path + "\"; nothing was fetched");
    }
    Optional<JsonObject> lfs = entry.optionalObject("lfs");
    long size = lfs.isPresent() ? lfs.get().integer("size") : entry.integer("size");
    Checksum.Kind kind = lfs.isPresent() ? Checksum.Kind.SHA256 : Checksum.Kind.GIT_BLOB_SHA1;
    String hex =
        lfs.isPresent()
            ? lfs.get().string(lfs.get().has("sha256") ? "sha256" : "oid").replace("sha256:", "")
            : entry.string(blobField);
    try {
      return new HubFile(path, size, new Checksum(kind, hex));
    } catch (IllegalArgumentException e) {
      throw new FormatException(entry.where() + ": " + e.getMessage(), e);
    }
  }

  private static JsonObject object(Document document) throws FormatException {
    return JsonObject.of(document.address.toString(), document.json);
  }

  /** The document at an address; empty if the endpoint answers that it has no such address. */
  private Optional<Document> fetch(URI address, Refusal refusal)
      throws IOException, InterruptedException {
    Attempts attempts = new Attempts(policy, "try again later", (_, _) -> {});
    while (true) {
      try {
        return fetchOnce(address, refusal);
      } catch (TransientException e) {
        if (e.isUnreachable()) {
          throw new HubException(e.getMessage() + "; check the network and HF_ENDPOINT", e);
        }
        attempts.pauseAfter(e);
      }
    }
  }

  private Optional<Document> fetchOnce(URI address, Refusal refusal)
      throws IOException, InterruptedException {
    try (Reply reply = transport.get(address, Map.of("Accept", "application/json"))) {
      if (reply.status() == 404 && reply.header("X-Error-Code").isEmpty()) {
        return Optional.empty();
      }
      if (reply.status() != 200) {
        throw refusal.of(reply);
      }
      byte[] body = reply.body().readAll(LONGEST_ANSWER, ANSWER_TIME);
      Object json = Json.parse(new ByteArrayInputStream(body), address.toString());
      return Optional.of(new Document(reply.headers(), address, json));
    }
  }
}
