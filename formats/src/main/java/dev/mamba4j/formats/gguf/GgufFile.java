package dev.mamba4j.formats.gguf;

import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A GGUF file, mapped into memory. Tensor data is not copied: it is valid until {@link #close()},
 * after which an access throws {@link IllegalStateException}. Safe for use by several threads.
 */
public final class GgufFile implements AutoCloseable {
  private final Path path;
  private final Arena arena;
  private final MemorySegment bytes;
  private final GgufMetadata metadata;
  private final List<GgufTensor> tensors;
  private final Map<String, GgufTensor> byName = new LinkedHashMap<>();

  private GgufFile(Path path, Arena arena, MemorySegment bytes, GgufReader.Contents contents) {
    this.path = path;
    this.arena = arena;
    this.bytes = bytes;
    this.metadata = contents.metadata();
    this.tensors = contents.tensors();
    for (GgufTensor tensor : tensors) {
      byName.put(tensor.name(), tensor);
    }
  }

  /**
   * Maps a file and checks all that it says of itself: counts, types, lengths, alignment, and that
   * each tensor lies within the file, apart from the others.
   *
   * @throws FormatException if it is no GGUF file of version 2 or 3, or a damaged one
   * @throws IOException if it cannot be read
   */
  @SuppressWarnings("MustBeClosedChecker") // close() closes it, or this method when it fails
  public static GgufFile open(Path path) throws IOException {
    Arena arena = Arena.ofShared();
    boolean opened = false;
    try {
      MemorySegment bytes = map(path, arena);
      GgufReader.Contents contents = GgufReader.read(path, bytes);
      opened = true;
      return new GgufFile(path, arena, bytes, contents);
    } finally {
      if (!opened) {
        arena.close();
      }
    }
  }

  private static MemorySegment map(Path path, Arena arena) throws IOException {
    if (Files.isDirectory(path)) {
      throw new FormatException(
          path
              + ": expected a GGUF file, found a folder; give a file in it, or if it holds a"
              + " checkpoint: mamba4j convert FOLDER -o FILE.gguf");
    }
    // A pipe or device can neither be mapped nor, perhaps, be opened without waiting.
    if (Files.exists(path) && !Files.isRegularFile(path)) {
      throw new FormatException(path + ": expected a GGUF file, found a pipe or device");
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (NoSuchFileException e) {
      throw explained(new NoSuchFileException(path.toString(), null, "no such file"), e);
    } catch (AccessDeniedException e) {
      throw explained(
          new AccessDeniedException(path.toString(), null, "no permission to read it"), e);
    }
  }

  private static IOException explained(IOException explanation, IOException cause) {
    explanation.initCause(cause);
    return explanation;
  }

  /** Where the file is. */
  public Path path() {
    return path;
  }

  /** Bytes of the whole file. */
  public long size() {
    return bytes.byteSize();
  }

  /** The key/values; they remain valid after {@link #close()}. */
  public GgufMetadata metadata() {
    return metadata;
  }

  /** The tensors in the order of the file; unmodifiable. */
  public List<GgufTensor> tensors() {
    return tensors;
  }

  /** The tensor of this name, or empty if there is none. */
  public Optional<GgufTensor> tensor(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /** Where in the file the data of one of its tensors starts, in bytes. */
  public long offset(GgufTensor tensor) {
    return tensor.data().address() - bytes.address();
  }

  /** Unmaps the file. Closing twice is allowed; closing while another thread reads is not. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
