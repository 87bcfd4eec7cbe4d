package dev.mamba4j.engine;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.PartialFile;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Sessions under names in a folder, each a file of {@link Session#save}:
 *
 * <pre>{@code
 * SessionFolder sessions = SessionFolder.ofUser();
 * try (Session session = sessions.open(model, "pets").orElseGet(model::newSession)) {
 *   session.read("...");
 *   sessions.save(session, "pets");
 * }
 * }</pre>
 */
public final class SessionFolder {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,63}");
  private static final String SUFFIX = ".gguf";

  private final Path folder;

  /**
   * A session that is kept.
   *
   * @param tokens how many it has read
   * @param bytes of its file
   */
  public record Entry(String name, int tokens, long bytes, Instant saved) {}

  /** Sessions in a folder, which is made when the first is saved. */
  public SessionFolder(Path folder) {
    this.folder = folder;
  }

  /** Those of the user: in {@code $XDG_DATA_HOME} or {@code ~/.local/share}. */
  public static SessionFolder ofUser() {
    String data = System.getenv("XDG_DATA_HOME");
    Path base =
        data == null || data.isBlank()
            ? Path.of(System.getProperty("user.home"), ".local", "share")
            : Path.of(data);
    return new SessionFolder(base.resolve("mamba4j").resolve("sessions"));
  }

  /**
   * Goes on with a session.
   *
   * @return empty if there is none of that name
   * @throws FormatException if it is damaged, or belongs to another model
   * @throws IllegalArgumentException if the name is not valid
   */
  public Optional<Session> open(LanguageModel model, String name) throws IOException {
    Path file = file(name);
    return Files.exists(file) ? Optional.of(model.openSession(file)) : Optional.empty();
  }

  /**
   * Keeps a session as it is now, in place of what was kept under the name.
   *
   * @throws IllegalArgumentException if the name is not valid
   */
  public void save(Session session, String name) throws IOException {
    Path file = file(name);
    Files.createDirectories(folder);
    PartialFile.sweep(folder);
    session.save(file);
  }

  /**
   * Deletes a session.
   *
   * @return whether there was one
   * @throws IllegalArgumentException if the name is not valid
   */
  public boolean delete(String name) throws IOException {
    return Files.deleteIfExists(file(name));
  }

  /** What there is, the one saved last first; damaged files are left out. */
  public List<Entry> list() throws IOException {
    List<Entry> entries = new ArrayList<>();
    if (!Files.isDirectory(folder)) {
      return entries;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        name = name.substring(0, name.length() - SUFFIX.length());
        try {
          int tokens = SavedState.countTokens(file);
          Instant saved = Files.getLastModifiedTime(file).toInstant();
          entries.add(new Entry(name, tokens, Files.size(file), saved));
        } catch (FormatException _) {
          // no session, or damaged
        }
      }
    }
    entries.sort(Comparator.comparing(Entry::saved).reversed());
    return entries;
  }

  private Path file(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "the name of a session must be made of letters, digits, '.', '_' and '-', at most 64, not"
              + " \""
              + name
              + "\"");
    }
    return folder.resolve(name + SUFFIX);
  }
}
