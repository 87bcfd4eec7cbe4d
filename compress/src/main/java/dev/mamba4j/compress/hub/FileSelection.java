package dev.mamba4j.compress.hub;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Chooses the files of a snapshot that a pull fetches: those that match a pattern, or without
 * patterns what an import needs. Many repositories hold the same weights in several formats; one is
 * taken: safetensors before PyTorch, a single file before shards, either before a lone GGUF.
 */
final class FileSelection {
  private static final int MOST_NAMES = 20;
  private static final Set<String> COMPANIONS =
      Set.of(
          "config.json",
          "params.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "chat_template.jinja",
          "special_tokens_map.json");
  private static final Pattern TEMPLATES =
      Pattern.compile("additional_chat_templates/[^/]+\\.jinja");

  /** Names of the weights, the best first. An index comes along with its shards. */
  private static final List<Pattern> WEIGHTS =
      Stream.of(
              "model\\.safetensors",
              "model-\\d+-of-\\d+\\.safetensors|model\\.safetensors\\.index\\.json",
              "[^/]+\\.safetensors|[^/]+\\.safetensors\\.index\\.json",
              "pytorch_model\\.bin",
              "pytorch_model-\\d+-of-\\d+\\.bin|pytorch_model\\.bin\\.index\\.json")
          .map(Pattern::compile)
          .toList();

  private final Snapshot snapshot;

  private FileSelection(Snapshot snapshot) {
    this.snapshot = snapshot;
  }

  /**
   * The files to fetch, in the order of the listing.
   *
   * @param include patterns as of {@link Glob}; none for the checkpoint
   */
  static List<HubFile> of(Snapshot snapshot, List<String> include) throws HubException {
    FileSelection selection = new FileSelection(snapshot);
    return include.isEmpty() ? selection.checkpoint() : selection.matching(include);
  }

  private List<HubFile> matching(List<String> include) throws HubException {
    List<Glob> globs = include.stream().map(Glob::new).toList();
    List<HubFile> files = those(file -> globs.stream().anyMatch(glob -> glob.matches(file.path())));
    if (files.isEmpty()) {
      throw new HubException(
          snapshot.repository()
              + ": no file matches "
              + String.join(", ", include)
              + "; there are: "
              + names(snapshot.files()));
    }
    return files;
  }

  private List<HubFile> checkpoint() throws HubException {
    for (Pattern weights : WEIGHTS) {
      List<HubFile> found = those(file -> weights.matcher(file.path()).matches());
      if (found.stream().anyMatch(file -> !file.path().endsWith(".json"))) {
        List<HubFile> files = new ArrayList<>(those(file -> isCompanion(file.path())));
        files.addAll(found);
        return files;
      }
    }
    List<HubFile> ggufs = those(file -> file.path().endsWith(".gguf"));
    if (ggufs.size() == 1) {
      return ggufs;
    }
    if (ggufs.isEmpty()) {
      throw new HubException(
          snapshot.repository()
              + ": no checkpoint (safetensors or pytorch_model.bin) and no GGUF file; there are: "
              + names(snapshot.files()));
    }
    throw new HubException(
        snapshot.repository()
            + ": holds "
            + ggufs.size()
            + " GGUF files and no checkpoint; choose with --include, for instance --include \""
            + ggufs.getFirst().path()
            + "\"; there are: "
            + names(ggufs));
  }

  private static boolean isCompanion(String path) {
    return COMPANIONS.contains(path) || TEMPLATES.matcher(path).matches();
  }

  private List<HubFile> those(Predicate<HubFile> wanted) {
    return snapshot.files().stream().filter(wanted).toList();
  }

  private static String names(List<HubFile> files) {
    if (files.isEmpty()) {
      return "none";
    }
    String names =
        files.stream()
            .limit(MOST_NAMES)
            .map(file -> file.path() + " (" + ByteCount.text(file.size()) + ")")
            .collect(Collectors.joining(", "));
    int more = files.size() - MOST_NAMES;
    return more > 0 ? names + " and " + more + " more" : names;
  }
}
