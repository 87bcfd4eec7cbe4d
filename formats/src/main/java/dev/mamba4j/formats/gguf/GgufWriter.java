package dev.mamba4j.formats.gguf;

import dev.mamba4j.formats.PartialFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Writes a GGUF file of version 3 as a stream. The bytes, padding included, are those that
 * llama.cpp writes for the same content.
 *
 * <p>The file grows under the name {@code .NAME.partial} beside its target. {@link #finish()} moves
 * it into place in one step; a failure, or closing without finishing, deletes it. The target is
 * either untouched or complete.
 *
 * <pre>{@code
 * try (GgufWriter writer = GgufWriter.create(target, metadata, infos)) {
 *   writer.write("token_embd.weight", rows);
 *   writer.write("token_embd.weight", moreRows);
 *   writer.write("output_norm.weight", values);
 *   writer.finish();
 * }
 * }</pre>
 */
public final class GgufWriter implements AutoCloseable {
  private final Path target;
  private final PartialFile file;
  private final LittleEndianOutput out;
  private final List<GgufTensorInfo> tensors;
  private final int alignment;
  private int complete;
  private long written;
  private boolean closed;

  private GgufWriter(
      Path target,
      PartialFile file,
      LittleEndianOutput out,
      List<GgufTensorInfo> tensors,
      int alignment) {
    this.target = target;
    this.file = file;
    this.out = out;
    this.tensors = tensors;
    this.alignment = alignment;
  }

  /**
   * Starts a file and writes all but the tensor data.
   *
   * @param tensors in the order in which their data will be written
   * @throws IllegalArgumentException if the content is not valid GGUF: two tensors of one name, an
   *     odd alignment, too many entries or bytes of metadata
   * @throws IOException if the file cannot be written; nothing is left behind
   */
  public static GgufWriter create(Path target, GgufMetadata metadata, List<GgufTensorInfo> tensors)
      throws IOException {
    return create(target, metadata, tensors, channel -> channel);
  }

  /**
   * The size of a file with this content, nothing being written.
   *
   * @throws IllegalArgumentException as {@link #create}
   */
  public static long fileBytes(GgufMetadata metadata, List<GgufTensorInfo> tensors)
      throws IOException {
    int alignment = metadata.alignment();
    check(metadata, tensors);
    LittleEndianOutput out = new LittleEndianOutput(new NowhereChannel());
    GgufHeader.write(out, metadata, tensors);
    long size = out.position();
    for (GgufTensorInfo tensor : tensors) {
      size += GgufFormat.align(tensor.byteSize(), alignment);
    }
    return size;
  }

  /** Takes everything and keeps nothing. */
  private static final class NowhereChannel implements WritableByteChannel {
    @Override
    public int write(ByteBuffer source) {
      int count = source.remaining();
      source.position(source.limit());
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }

  /** As above, with a channel put in between, so that tests can let writing fail. */
  static GgufWriter create(
      Path target,
      GgufMetadata metadata,
      List<GgufTensorInfo> tensors,
      UnaryOperator<WritableByteChannel> between)
      throws IOException {
    int alignment = metadata.alignment();
    check(metadata, tensors);
    PartialFile file = PartialFile.create(target);
    LittleEndianOutput out = new LittleEndianOutput(between.apply(file.channel()));
    GgufWriter writer = new GgufWriter(target, file, out, List.copyOf(tensors), alignment);
    boolean started = false;
    try {
      GgufHeader.write(out, metadata, tensors);
      if (out.position() > GgufFormat.MAX_HEADER_BYTES) {
        throw new IllegalArgumentException(
            "expected at most %d bytes of metadata, found %d"
                .formatted(GgufFormat.MAX_HEADER_BYTES, out.position()));
      }
      started = true;
      return writer;
    } catch (IOException e) {
      throw writer.failed(e);
    } finally {
      if (!started) {
        writer.close();
      }
    }
  }

  private static void check(GgufMetadata metadata, List<GgufTensorInfo> tensors) {
    if (Math.max(metadata.values().size(), tensors.size()) > GgufFormat.MAX_ENTRIES) {
      throw new IllegalArgumentException(
          "expected at most %d keys and tensors, found %d and %d"
              .formatted(GgufFormat.MAX_ENTRIES, metadata.values().size(), tensors.size()));
    }
    Set<String> names = new HashSet<>();
    for (GgufTensorInfo tensor : tensors) {
      if (!names.add(tensor.name())) {
        throw new IllegalArgumentException("two tensors have the name " + tensor.name());
      }
    }
  }

  /**
   * Appends bytes to a tensor: all of its data, or the next part of it.
   *
   * @param name the tensor that is next in the declared order
   * @throws IllegalArgumentException if another tensor is next, or if that is more than it holds
   * @throws IOException if the disk is full or fails; the partial file is gone then
   */
  public void write(String name, MemorySegment data) throws IOException {
    checkOpen();
    if (complete == tensors.size() || !tensors.get(complete).name().equals(name)) {
      throw new IllegalArgumentException("expected " + next() + ", found data of " + name);
    }
    long size = tensors.get(complete).byteSize();
    if (data.byteSize() > size - written) {
      throw new IllegalArgumentException(
          "expected at most %d more bytes of %s, found %d"
              .formatted(size - written, name, data.byteSize()));
    }
    try {
      out.bytes(data);
      written += data.byteSize();
      if (written == size) {
        out.pad(alignment);
        complete++;
        written = 0;
      }
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /**
   * Completes the file: everything is on the disk and the target has its name when this returns.
   *
   * @throws IllegalStateException if data is missing
   * @throws IOException if the disk is full or fails; the target is as before then
   */
  public void finish() throws IOException {
    checkOpen();
    if (complete < tensors.size()) {
      throw new IllegalStateException("expected " + next() + ", found the end");
    }
    try {
      out.flush();
      file.commit();
      closed = true;
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException(target + " is closed");
    }
  }

  private String next() {
    return complete == tensors.size()
        ? "the end"
        : "the data of " + tensors.get(complete).name() + " from byte " + written;
  }

  /** Removes the partial file and gives the one message that the user sees. */
  private IOException failed(IOException cause) {
    String reason = cause.getMessage();
    try {
      close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
    return new IOException(
        target + ": cannot be written: " + reason + "; the incomplete file was deleted", cause);
  }

  /** Deletes the partial file unless {@link #finish()} has put it in place. */
  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      file.discard();
    }
  }
}
