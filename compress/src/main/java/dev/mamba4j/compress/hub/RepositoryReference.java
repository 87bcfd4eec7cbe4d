package dev.mamba4j.compress.hub;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Names a model repository and a revision of it. The rules for names are those of the Hub: letters,
 * digits, {@code -}, {@code _} and {@code .}; no {@code --} or {@code ..}; at most 96 characters;
 * not ending in {@code .git}.
 *
 * @param name {@code owner/name}, or {@code name} alone for the oldest repositories
 * @param revision branch, tag or commit
 */
public record RepositoryReference(String name, String revision) {
  /** The revision taken where none is named. */
  public static final String DEFAULT_REVISION = "main";

  private static final Pattern PART =
      Pattern.compile("[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?");
  private static final Pattern URL =
      Pattern.compile("(?:https?://)?(?:www\\.)?(?:huggingface\\.co|hf\\.co)(?:/.*)?");
  private static final Pattern REVISION = Pattern.compile("[^\\p{Cntrl}\\s~^:?*\\[\\\\]{1,250}");

  /** Checks name and revision. */
  public RepositoryReference {
    problem(name, revision)
        .ifPresent(
            problem -> {
              throw new IllegalArgumentException(problem);
            });
  }

  /**
   * Reads {@code owner/name}, {@code name}, either followed by {@code @revision}, or the address of
   * the repository's page on huggingface.co or hf.co, with or without {@code /tree/revision}.
   */
  public static RepositoryReference parse(String text) throws HubException {
    String given = text.strip();
    int at = given.indexOf('@');
    String name = at < 0 ? given : given.substring(0, at);
    String revision = at < 0 ? DEFAULT_REVISION : given.substring(at + 1);
    if (URL.matcher(given.toLowerCase(Locale.ROOT)).matches()) {
      List<String> segments = segments(given);
      int tree = segments.indexOf("tree");
      if (tree > 0 && tree == segments.size() - 2) {
        revision = segments.get(tree + 1);
        segments = segments.subList(0, tree);
      } else if (!segments.isEmpty() && segments.getLast().contains("@")) {
        segments = List.of(String.join("/", segments).split("@", 2));
        revision = segments.getLast();
        segments = segments.subList(0, 1);
      }
      name = String.join("/", segments);
    }
    Optional<String> problem = problem(name, revision);
    if (problem.isPresent()) {
      throw new HubException(problem.get());
    }
    return new RepositoryReference(name, revision);
  }

  /** The last part of the name: what a folder for the repository would be called. */
  public String folderName() {
    return name.substring(name.indexOf('/') + 1);
  }

  /** The name, and the revision if it is not the default one. */
  @Override
  public String toString() {
    return revision.equals(DEFAULT_REVISION) ? name : name + "@" + revision;
  }

  private static List<String> segments(String address) throws HubException {
    try {
      URI uri = new URI(address.contains("://") ? address : "https://" + address);
      return Pattern.compile("/")
          .splitAsStream(uri.getRawPath())
          .filter(segment -> !segment.isEmpty())
          .map(segment -> URI.create("/" + segment).getPath().substring(1))
          .toList();
    } catch (URISyntaxException e) {
      throw new HubException("not the address of a repository: " + address, e);
    }
  }

  private static Optional<String> problem(String name, String revision) {
    String[] parts = name.split("/", -1);
    if (parts.length > 1 && (parts[0].equals("datasets") || parts[0].equals("spaces"))) {
      return Optional.of("not a model repository: " + name);
    }
    boolean wellFormed = parts.length <= 2 && name.length() <= 193;
    for (String part : parts) {
      wellFormed &=
          PART.matcher(part).matches()
              && !part.contains("..")
              && !part.contains("--")
              && !part.endsWith(".git");
    }
    if (!wellFormed) {
      return Optional.of(
          "not the name of a repository: \""
              + name
              + "\"; expected OWNER/NAME, for instance state-spaces/mamba2-130m");
    }
    boolean reference =
        REVISION.matcher(revision).matches()
            && !revision.contains("..")
            && !revision.contains("//")
            && !revision.startsWith("/")
            && !revision.endsWith("/");
    return reference
        ? Optional.empty()
        : Optional.of(
            "not a revision of "
                + name
                + ": \""
                + revision
                + "\"; expected a branch, tag or commit");
  }
}
