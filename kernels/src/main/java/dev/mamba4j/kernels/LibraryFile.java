package dev.mamba4j.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * Finds a native library as a file that the system can load: where it is if it is a file already,
 * else unpacked into a folder of the user.
 *
 * <p>Whoever can write the file can run code as the user. So the folder must belong to the user and
 * be closed to all others, no link is followed to it, and the content of a file that is there
 * already is compared before it is used.
 */
final class LibraryFile {
  private static final Set<PosixFilePermission> USER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  private LibraryFile() {}

  /**
   * The file of a resource.
   *
   * @throws NoSuchFileException if there is no such resource
   */
  static Path of(String resource) throws IOException {
    URL url = LibraryFile.class.getResource(resource);
    if (url == null) {
      throw new NoSuchFileException(resource);
    }
    if (url.getProtocol().equals("file")) {
      return path(url);
    }
    try (InputStream stream = url.openStream()) {
      String name = resource.substring(resource.lastIndexOf('/') + 1);
      return unpack(stream.readAllBytes(), name, folders());
    }
  }

  private static Path path(URL url) throws IOException {
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IOException(url + " is not the name of a file", e);
    }
  }

  /** The user's cache, and the folder for temporary files where there is none. */
  private static List<Path> folders() throws IOException {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path base =
        cache == null || !cache.startsWith("/")
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(cache);
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    return List.of(base.resolve("mamba4j-native"), temporary.resolve("mamba4j-native-" + user()));
  }

  /** Writes the library into the first folder that can be used, unless it is there already. */
  static Path unpack(byte[] content, String name, List<Path> folders) throws IOException {
    IOException failure = new IOException("no folder to unpack " + name + " into");
    for (Path folder : folders) {
      try {
        return unpack(content, name, folder);
      } catch (IOException e) {
        failure.addSuppressed(e);
      }
    }
    throw failure;
  }

  private static Path unpack(byte[] content, String name, Path folder) throws IOException {
    closeToOthers(folder);
    Path target = folder.resolve(hash(content) + "-" + name);
    if (!holds(target, content)) {
      Path part = Files.createTempFile(folder, name, ".part");
      try {
        Files.write(part, content);
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(part);
      }
    }
    return target;
  }

  private static void closeToOthers(Path folder) throws IOException {
    Files.createDirectories(folder.toAbsolutePath().getParent());
    try {
      Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(USER_ONLY));
    } catch (FileAlreadyExistsException e) {
      // Made by an earlier run, or by somebody else: that is checked now.
    }
    PosixFileAttributes attributes =
        Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    Object owner = Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    if (!attributes.isDirectory()
        || !attributes.permissions().equals(USER_ONLY)
        || !owner.equals(user())) {
      throw new IOException(folder + " is not a folder of this user alone (mode 700); remove it");
    }
  }

  /** The number of the user that this process runs as, whatever the environment says. */
  private static Object user() throws IOException {
    return Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }

  private static boolean holds(Path file, byte[] content) throws IOException {
    return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
        && Files.size(file) == content.length
        && Arrays.equals(Files.readAllBytes(file), content);
  }

  private static String hash(byte[] content) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
