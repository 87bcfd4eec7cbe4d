package dev.mamba4j.cli;

import dev.mamba4j.engine.SessionFolder;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where chats are kept. */
final class SessionPlace {
  @Option(
      names = "--session-folder",
      paramLabel = "DIR",
      description =
          "Where sessions are kept (default mamba4j/sessions in $$XDG_DATA_HOME or"
              + " ~/.local/share).")
  private Path folder;

  SessionFolder folder() {
    return folder == null ? SessionFolder.ofUser() : new SessionFolder(folder);
  }
}
