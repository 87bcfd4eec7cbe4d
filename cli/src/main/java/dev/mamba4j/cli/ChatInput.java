package dev.mamba4j.cli;

import java.io.IOException;
import java.util.Optional;

/** Where the lines of a chat come from. */
interface ChatInput extends AutoCloseable {
  /** The next line; nothing at the end. */
  Optional<String> readLine() throws IOException;

  /** Whether the user wanted the answer to end since the last line. */
  boolean stopsAnswer();

  @Override
  void close() throws IOException;
}
