package dev.mamba4j.compress.hub;

import java.time.Duration;

/** Hears how a pull goes on, in the thread that pulls. */
public interface ProgressListener {
  /** Hears nothing. */
  ProgressListener NONE = new ProgressListener() {};

  /** A file of the right size is there; its checksum is computed. */
  default void checking(HubFile file) {}

  /** A file is there already and right. */
  default void upToDate(HubFile file) {}

  /**
   * More of a file has arrived. Comes often.
   *
   * @param bytes how much of it is on disk; less than before if the server made us start over
   */
  default void progress(HubFile file, long bytes) {}

  /** A try failed; another follows after the pause. */
  default void retrying(HubFile file, String reason, Duration pause) {}

  /** A file is complete and its checksum is right. */
  default void completed(HubFile file) {}
}
