package dev.mamba4j.compress.hub;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * A file of a repository.
 *
 * @param path its name with folders, separated by {@code /}; checked to stay inside a folder
 * @param size bytes
 * @param checksum of its content
 */
public record HubFile(String path, long size, Checksum checksum) {

  /** Checks the name and that the size is not negative. */
  public HubFile {
    if (!isSafe(path)) {
      throw new IllegalArgumentException("unsafe file name: " + path);
    }
    if (size < 0) {
      throw new IllegalArgumentException("size of " + path + ": " + size);
    }
  }

  /**
   * Whether a name can be written below a folder without leaving it: relative, of plain segments,
   * without back slashes (a separator elsewhere), control characters, or Git's own folder.
   */
  static boolean isSafe(String path) {
    if (path.length() > 1024 || path.chars().anyMatch(c -> c < 0x20 || c == 0x7f || c == '\\')) {
      return false;
    }
    for (String segment : path.split("/", -1)) {
      if (segment.isEmpty()
          || segment.equals(".")
          || segment.equals("..")
          || segment.equalsIgnoreCase(".git")) {
        return false;
      }
    }
    return true;
  }

  /** Where the file goes in a folder. */
  Path in(Path folder) throws HubException {
    try {
      Path target = folder.resolve(path).normalize();
      if (target.startsWith(folder.normalize())) {
        return target;
      }
    } catch (InvalidPathException e) {
      throw new HubException("this system cannot hold a file of the name \"" + path + "\"", e);
    }
    throw new HubException("unsafe file name \"" + path + "\": it would leave " + folder);
  }

  /** The name without folders. */
  String fileName() {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
