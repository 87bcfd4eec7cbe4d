package dev.mamba4j.formats;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What long work on a file has done so far: the folder {@code .NAME.work} beside its target. One
 * process at a time has it. It stays behind where the process was killed; the same work, started
 * again, finds it, and any other work on that target deletes it.
 */
public final class WorkFolder implements AutoCloseable {
  private static final String LOCK = "lock";
  private static final String KEY = "key";

  private final Path folder;
  private final FileChannel lock;

  private WorkFolder(Path folder, FileChannel lock) {
    this.folder = folder;
    this.lock = lock;
  }

  /**
   * The folder for a target, as it was left.
   *
   * @throws IOException if it cannot be written, or another process works on the target
   */
  public static WorkFolder open(Path target) throws IOException {
    Path folder = PartialFile.beside(target, ".work");
    try {
      Files.createDirectory(folder);
    } catch (FileAlreadyExistsException _) {
      // Left by a process that was killed, or in use.
    } catch (NoSuchFileException e) {
      throw new IOException(
          target + ": cannot be written: there is no folder " + folder.getParent(), e);
    } catch (AccessDeniedException e) {
      throw new IOException(
          target + ": cannot be written: no permission in the folder " + folder.getParent(), e);
    }
    return locked(folder, target);
  }

  private static WorkFolder locked(Path folder, Path target) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      throw new FormatException(folder + ": expected a folder of mamba4j's own; remove it");
    }
    FileChannel lock =
        FileChannel.open(
            folder.resolve(LOCK),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            LinkOption.NOFOLLOW_LINKS);
    if (!PartialFile.lock(lock)) {
      lock.close();
      throw PartialFile.beingWritten(target);
    }
    return new WorkFolder(folder, lock);
  }

  /** Deletes what a process that was killed has left of its work on a target. */
  public static void forget(Path target) throws IOException {
    if (Files.isDirectory(PartialFile.beside(target, ".work"), LinkOption.NOFOLLOW_LINKS)) {
      try (WorkFolder left = open(target)) {
        left.delete();
      }
    }
  }

  /**
   * Begins work, or goes on with it: what was left by any other work is deleted.
   *
   * @param key a text that differs where results may differ
   */
  public void claim(String key) throws IOException {
    Path file = file(KEY);
    if (!Files.exists(file) || !Files.readString(file).equals(key)) {
      clear();
      Files.writeString(file, key);
    }
  }

  /** Where it is: beside the target. */
  public Path folder() {
    return folder;
  }

  /** A file in the folder, there or not. */
  public Path file(String name) {
    return folder.resolve(name);
  }

  /** Deletes all, for the work is done; nothing may be put here any more. */
  public void delete() throws IOException {
    clear();
    Files.deleteIfExists(folder.resolve(LOCK));
    Files.deleteIfExists(folder);
  }

  private void clear() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (!file.getFileName().toString().equals(LOCK)) {
          Files.delete(file);
        }
      }
    }
  }

  /** Leaves what was claimed to the next start; without that, there is nothing worth keeping. */
  @Override
  public void close() throws IOException {
    if (Files.exists(folder) && !Files.exists(file(KEY))) {
      delete();
    }
    lock.close();
  }
}
