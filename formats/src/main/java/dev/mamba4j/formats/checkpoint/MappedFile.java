package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file in memory, read only.
 *
 * @param bytes all of it, valid as long as the arena it was opened with
 */
record MappedFile(Path path, MemorySegment bytes) {

  static MappedFile open(Path path, Arena arena) throws FormatException {
    if (Files.notExists(path)) {
      throw new FormatException(path + ": no such file");
    }
    if (Files.isDirectory(path)) {
      throw new FormatException(path + ": expected a file, found a folder");
    }
    if (Files.exists(path) && !Files.isRegularFile(path)) {
      throw new FormatException(path + ": not a regular file, so it cannot be mapped");
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return new MappedFile(
          path, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (AccessDeniedException e) {
      throw new FormatException(path + ": cannot be read: permission denied", e);
    } catch (IOException e) {
      throw new FormatException(path + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
