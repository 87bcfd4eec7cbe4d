package dev.mamba4j.compress;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Memory on the disk, for what may be larger than main memory: the system keeps of it what fits.
 * The file has no name, so that it is gone when closed and when the process ends, however that
 * comes.
 */
public final class ScratchFile implements AutoCloseable {
  private static final long PAGE = 4096;

  private final Arena arena = Arena.ofShared();
  private final FileChannel channel;
  private long size;

  private ScratchFile(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * A new one in a folder.
   *
   * @throws IOException if nothing can be written there
   */
  public static ScratchFile in(Path folder) throws IOException {
    Path file;
    try {
      file = Files.createTempFile(folder, ".mamba4j", ".scratch");
    } catch (NoSuchFileException e) {
      throw new IOException("there is no folder " + folder + " to write to", e);
    }
    return new ScratchFile(
        FileChannel.open(
            file,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE));
  }

  /** Zeroed memory until this is closed. */
  public MemorySegment allocate(long bytes) throws IOException {
    MemorySegment memory = channel.map(FileChannel.MapMode.READ_WRITE, size, bytes, arena);
    size += (bytes + PAGE - 1) / PAGE * PAGE;
    return memory;
  }

  @Override
  public void close() throws IOException {
    arena.close();
    channel.close();
  }
}
