package dev.mamba4j.compress.hub;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Where the files of a folder come from, kept in the folder as JSON.
 *
 * @param endpoint address of the server
 * @param repository name of the repository
 * @param revision what was asked for
 * @param commit what that stood for
 * @param complete whether all chosen files of the commit arrived
 */
record SourceRecord(
    String endpoint, String repository, String revision, String commit, boolean complete) {
  static final String FILE_NAME = ".mamba4j-source.json";

  static SourceRecord of(Endpoint endpoint, Snapshot snapshot, boolean complete) {
    return new SourceRecord(
        endpoint.toString(),
        snapshot.repository().name(),
        snapshot.repository().revision(),
        snapshot.commit(),
        complete);
  }

  /** The record of a folder; none if there is none or it cannot be read, since it is rewritten. */
  static Optional<SourceRecord> read(Path folder) {
    try {
      JsonObject json = Json.read(folder.resolve(FILE_NAME));
      return Optional.of(
          new SourceRecord(
              json.string("endpoint"),
              json.string("repository"),
              json.string("revision"),
              json.string("commit"),
              json.bool("complete", false)));
    } catch (IOException _) {
      return Optional.empty();
    }
  }

  void write(Path folder) throws HubException {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("endpoint", endpoint);
    fields.put("repository", repository);
    fields.put("revision", revision);
    fields.put("commit", commit);
    fields.put("complete", complete);
    Path file = folder.resolve(FILE_NAME);
    Path fresh = folder.resolve(FILE_NAME + ".new");
    try {
      Files.writeString(fresh, Json.write(fields) + "\n");
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw HubException.local("write", file, e);
    }
  }
}
