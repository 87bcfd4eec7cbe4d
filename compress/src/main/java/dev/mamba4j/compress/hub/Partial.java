package dev.mamba4j.compress.hub;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;

/**
 * The part of a file that has arrived, beside its target and under a name that ends in {@value
 * #SUFFIX}. The name holds the start of the expected checksum, so that what is left of one version
 * is never continued with another. Plain file streams are used and not channels, which close
 * themselves when their thread is interrupted.
 */
final class Partial implements AutoCloseable {
  static final String SUFFIX = ".partial";
  private static final int NAME_DIGITS = 12;
  private static final int PIECE = 1 << 16;

  private final HubFile file;
  private final Path target;
  private final Path path;
  private final RandomAccessFile out;
  private MessageDigest digest;
  private long size;

  private Partial(HubFile file, Path target, Path path, RandomAccessFile out) {
    this.file = file;
    this.target = target;
    this.path = path;
    this.out = out;
    this.digest = file.checksum().digest(file.size());
  }

  /** Where the part of a file is kept. */
  static Path pathFor(HubFile file, Path target) {
    String version = file.checksum().hex().substring(0, NAME_DIGITS);
    return target.resolveSibling(file.fileName() + "." + version + SUFFIX);
  }

  /** Whether a complete file has the right bytes. */
  static boolean matches(HubFile file, Path path) throws HubException, InterruptedException {
    MessageDigest digest = file.checksum().digest(file.size());
    try {
      return feed(digest, path) == file.size() && file.checksum().matches(digest);
    } catch (IOException e) {
      throw HubException.local("read", path, e);
    }
  }

  /** Opens what an earlier try left, or an empty part. */
  static Partial open(HubFile file, Path target) throws HubException, InterruptedException {
    Path path = pathFor(file, target);
    try {
      Files.createDirectories(target.getParent());
      RandomAccessFile out = new RandomAccessFile(path.toFile(), "rw");
      Partial partial = new Partial(file, target, path, out);
      boolean ready = false;
      try {
        partial.lock();
        partial.takeUp();
        ready = true;
      } finally {
        if (!ready) {
          out.close();
        }
      }
      return partial;
    } catch (HubException e) {
      throw e;
    } catch (IOException e) {
      throw HubException.local("write", path, e);
    }
  }

  private void lock() throws IOException {
    boolean free;
    try {
      free = out.getChannel().tryLock() != null;
    } catch (OverlappingFileLockException _) {
      free = false;
    }
    if (!free) {
      throw new HubException(path + ": another pull is writing it");
    }
  }

  private void takeUp() throws IOException, InterruptedException {
    if (out.length() > file.size()) {
      out.setLength(0);
    }
    size = feed(digest, path);
    out.seek(size);
  }

  private static long feed(MessageDigest digest, Path path)
      throws IOException, InterruptedException {
    byte[] piece = new byte[PIECE];
    long total = 0;
    try (InputStream in = new FileInputStream(path.toFile())) {
      int count;
      while ((count = in.read(piece)) >= 0) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        digest.update(piece, 0, count);
        total += count;
      }
    }
    return total;
  }

  /** Bytes that have arrived. */
  long size() {
    return size;
  }

  /** Bytes still to come. */
  long missing() {
    return file.size() - size;
  }

  void append(byte[] bytes, int count) throws HubException {
    try {
      out.write(bytes, 0, count);
    } catch (IOException e) {
      throw new HubException(
          HubException.local("write", path, e).getMessage()
              + "; run the same pull again to resume once that is solved",
          e);
    }
    digest.update(bytes, 0, count);
    size += count;
  }

  /** Drops all bytes. */
  void restart() throws HubException {
    try {
      out.setLength(0);
      out.seek(0);
    } catch (IOException e) {
      throw HubException.local("write", path, e);
    }
    digest = file.checksum().digest(file.size());
    size = 0;
  }

  /**
   * Puts the complete file into place, if its checksum is right.
   *
   * @return whether it was; if not, all bytes are dropped
   */
  boolean complete() throws HubException {
    if (!file.checksum().matches(digest)) {
      restart();
      return false;
    }
    try {
      out.getFD().sync();
      out.close();
      Files.move(path, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      deleteOtherVersions();
      return true;
    } catch (IOException e) {
      throw HubException.local("write", target, e);
    }
  }

  private void deleteOtherVersions() throws IOException {
    String prefix = file.fileName() + ".";
    int length = prefix.length() + NAME_DIGITS + SUFFIX.length();
    DirectoryStream.Filter<Path> isVersion =
        sibling -> {
          String name = sibling.getFileName().toString();
          return name.length() == length && name.startsWith(prefix) && name.endsWith(SUFFIX);
        };
    try (DirectoryStream<Path> versions = Files.newDirectoryStream(target.getParent(), isVersion)) {
      for (Path version : versions) {
        Files.deleteIfExists(version);
      }
    }
  }

  /** Ends the writing; the part stays, unless it is empty. */
  @Override
  public void close() throws HubException {
    try {
      out.close();
      if (size == 0) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw HubException.local("write", path, e);
    }
  }
}
