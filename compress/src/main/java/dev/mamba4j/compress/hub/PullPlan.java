package dev.mamba4j.compress.hub;

import java.nio.file.Path;
import java.util.List;

/**
 * What a pull will fetch.
 *
 * @param snapshot the repository and its commit
 * @param folder where the files go; made if absent
 * @param files those of the snapshot that were chosen
 */
public record PullPlan(Snapshot snapshot, Path folder, List<HubFile> files) {
  /** Copies the list. */
  public PullPlan {
    files = List.copyOf(files);
  }

  /** Bytes of all chosen files, whether already there or not. */
  public long totalBytes() {
    return total(files);
  }

  /** Sum of sizes; a listing that lies about them cannot make it overflow. */
  static long total(List<HubFile> files) {
    long total = 0;
    for (HubFile file : files) {
      total = file.size() > Long.MAX_VALUE - total ? Long.MAX_VALUE : total + file.size();
    }
    return total;
  }
}
