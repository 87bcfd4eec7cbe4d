package dev.mamba4j.compress.hub;

import java.util.List;

/**
 * What a pull did.
 *
 * @param plan what was to be fetched
 * @param downloaded files that were fetched, wholly or from where an earlier pull had stopped
 * @param upToDate files that were already there, with the right size and checksum
 */
public record PullResult(PullPlan plan, List<HubFile> downloaded, List<HubFile> upToDate) {
  /** Copies the lists. */
  public PullResult {
    downloaded = List.copyOf(downloaded);
    upToDate = List.copyOf(upToDate);
  }
}
