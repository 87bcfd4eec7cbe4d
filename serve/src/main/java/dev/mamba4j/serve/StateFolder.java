package dev.mamba4j.serve;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.engine.PackedState;
import dev.mamba4j.engine.SavedState;
import dev.mamba4j.formats.PartialFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * The files of remembered states of one model: {@code cached-ID.gguf} and {@code saved-ID.gguf} in
 * a folder named after its fingerprint. The id is made of the tokens, so no name comes from a
 * client.
 */
final class StateFolder {
  private static final String CACHED = "cached-";
  private static final String SAVED = "saved-";
  private static final String SUFFIX = ".gguf";

  private final Path folder;
  private final String fingerprint;
  private final Mamba2Config config;

  private StateFolder(Path folder, String fingerprint, Mamba2Config config) {
    this.folder = folder;
    this.fingerprint = fingerprint;
    this.config = config;
  }

  /** A file of an earlier run. */
  @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
  record Found(int[] tokens, long bytes, boolean saved) {}

  static StateFolder open(Path parent, LanguageModel model) throws IOException {
    String fingerprint = model.fingerprint();
    Path folder = parent.resolve(fingerprint.substring(0, 16));
    try {
      Files.createDirectories(folder);
    } catch (FileAlreadyExistsException e) {
      throw new IOException(parent + ": is no folder; give one for remembered states", e);
    }
    PartialFile.sweep(folder);
    return new StateFolder(folder, fingerprint, model.mamba2().config());
  }

  /** What a state is called: made of its tokens, 32 hexadecimal digits. */
  static String id(int[] tokens) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * tokens.length);
    bytes.asIntBuffer().put(tokens);
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes.array());
      return HexFormat.of().formatHex(hash, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** The states of earlier runs, the one written last at the end; damaged files are left out. */
  List<Found> list() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files =
          all.filter(file -> file.getFileName().toString().endsWith(SUFFIX))
              .sorted(Comparator.comparingLong(StateFolder::modified))
              .toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    List<Found> found = new ArrayList<>();
    for (Path file : files) {
      String name = file.getFileName().toString();
      boolean saved = name.startsWith(SAVED);
      try {
        int[] tokens = SavedState.readTokens(file, config, fingerprint);
        if (file.equals(file(id(tokens), saved))) {
          found.add(new Found(tokens, Files.size(file), saved));
        }
      } catch (IOException _) {
        // Not one of ours, or damaged: no state to find there.
      }
    }
    return found;
  }

  private static long modified(Path file) {
    try {
      return Files.getLastModifiedTime(file).toMillis();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a state and returns the size of its file. */
  long write(int[] tokens, PackedState state, boolean saved) throws IOException {
    String id = id(tokens);
    Path file = file(id, saved);
    new SavedState(tokens, state).write(file, fingerprint);
    Files.deleteIfExists(file(id, !saved));
    return Files.size(file);
  }

  SavedState read(String id, boolean saved) throws IOException {
    return SavedState.read(file(id, saved), config, fingerprint);
  }

  /** Makes a cached state a saved one. */
  void keep(String id) throws IOException {
    Files.move(file(id, false), file(id, true), StandardCopyOption.ATOMIC_MOVE);
  }

  void delete(String id, boolean saved) {
    try {
      Files.deleteIfExists(file(id, saved));
    } catch (IOException _) {
      // It cannot be deleted now; a later run will find it and count it.
    }
  }

  private Path file(String id, boolean saved) {
    return folder.resolve((saved ? SAVED : CACHED) + id + SUFFIX);
  }
}
