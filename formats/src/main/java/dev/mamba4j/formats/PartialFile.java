package dev.mamba4j.formats;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file in the making: {@code .NAME.partial} beside its target, moved into place when complete.
 * One that a killed process left behind is overwritten by the next attempt.
 */
public final class PartialFile {
  private final Path target;
  private final Path partial;
  private final FileChannel channel;

  private PartialFile(Path target, Path partial, FileChannel channel) {
    this.target = target;
    this.partial = partial;
    this.channel = channel;
  }

  /**
   * Begins a file.
   *
   * @throws IOException if it cannot be written, or another process is writing it
   */
  public static PartialFile create(Path target) throws IOException {
    // Moving onto a device such as /dev/null would replace it.
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new FormatException(
          target + ": cannot be written: it is a folder or device; give the name of a file");
    }
    Path partial = partial(target);
    FileChannel channel = open(target, partial);
    boolean locked = false;
    try {
      locked = lock(channel);
      if (!locked) {
        throw beingWritten(target);
      }
      channel.truncate(0);
      return new PartialFile(target, partial, channel);
    } finally {
      if (!locked) {
        channel.close();
      }
    }
  }

  /** Deletes what processes that were killed have left in a folder. */
  public static void sweep(Path folder) throws IOException {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(folder, ".*.partial")) {
      left.forEach(PartialFile::deleteUnlessWritten);
    }
  }

  /** Deletes what a process that was killed has left of a file in the making. */
  public static void forget(Path target) {
    deleteUnlessWritten(partial(target));
  }

  private static Path partial(Path target) {
    return beside(target, ".partial");
  }

  /** Where what belongs to a target lies until it is complete: {@code .NAME} and a suffix. */
  static Path beside(Path target, String suffix) {
    Path absolute = target.toAbsolutePath();
    return absolute.resolveSibling("." + absolute.getFileName() + suffix);
  }

  private static void deleteUnlessWritten(Path partial) {
    try (FileChannel channel =
        FileChannel.open(partial, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
      if (lock(channel)) { // else somebody writes it now
        Files.deleteIfExists(partial);
      }
    } catch (IOException _) {
      // Gone already, or not ours.
    }
  }

  private static FileChannel open(Path target, Path partial) throws IOException {
    try {
      return FileChannel.open(
          partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      throw new IOException(
          target + ": cannot be written: there is no folder " + partial.getParent(), e);
    } catch (AccessDeniedException e) {
      throw new IOException(
          target + ": cannot be written: no permission in the folder " + partial.getParent(), e);
    }
  }

  static IOException beingWritten(Path target) {
    return new IOException(target + ": cannot be written: another process is writing it");
  }

  /** False if another writer holds the file; two writers of one file would mix their bytes. */
  static boolean lock(FileChannel channel) {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException _) {
      return false;
    } catch (IOException _) {
      return true; // a file system without locks
    }
  }

  /** Where the content goes. */
  public FileChannel channel() {
    return channel;
  }

  /** Appends all of the bytes. */
  public void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Puts the file in its place, whole and on the disk. */
  public void commit() throws IOException {
    channel.force(true);
    channel.close();
    Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    try (FileChannel folder = FileChannel.open(partial.getParent(), StandardOpenOption.READ)) {
      folder.force(true);
    } catch (IOException _) {
      // Some systems cannot sync a folder. The file is complete; only its name could be lost.
    }
  }

  /** Deletes the file. */
  public void discard() throws IOException {
    channel.close();
    Files.deleteIfExists(partial);
  }
}
