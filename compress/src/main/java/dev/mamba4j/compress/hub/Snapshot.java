package dev.mamba4j.compress.hub;

import java.util.List;

/**
 * The files of a repository at one commit.
 *
 * @param repository what was asked for
 * @param commit what its revision stands for now; the revision itself if the endpoint tells none
 * @param files all of them, in the order of the listing
 */
public record Snapshot(RepositoryReference repository, String commit, List<HubFile> files) {
  /** Copies the list. */
  public Snapshot {
    files = List.copyOf(files);
  }
}
