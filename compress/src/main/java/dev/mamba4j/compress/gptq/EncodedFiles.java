package dev.mamba4j.compress.gptq;

import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.TensorEncoder;
import dev.mamba4j.formats.PartialFile;
import dev.mamba4j.formats.WorkFolder;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Encoded matrices, a file each that is there only once it is whole: none is encoded twice. */
final class EncodedFiles {
  private static final long MOST_AT_ONCE = 1 << 30;

  private final WorkFolder work;

  EncodedFiles(WorkFolder work) {
    this.work = work;
  }

  /** The bytes of a matrix, encoded now or earlier. */
  MemorySegment get(SourceTensor tensor, TensorType type, QuantizationMethod method)
      throws IOException {
    Path file = work.file(tensor.name() + "." + type);
    if (!Files.exists(file)) {
      make(file, tensor, type, method);
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
    }
  }

  private static void make(
      Path file, SourceTensor tensor, TensorType type, QuantizationMethod method)
      throws IOException {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment bytes = arena.allocate(type.byteSize(tensor.info().elements()), 64);
      TensorEncoder.of(tensor, type, method).encodeAll(bytes);
      PartialFile partial = PartialFile.create(file);
      try {
        for (long first = 0; first < bytes.byteSize(); first += MOST_AT_ONCE) {
          long count = Math.min(MOST_AT_ONCE, bytes.byteSize() - first);
          partial.write(bytes.asSlice(first, count).asByteBuffer());
        }
        partial.commit();
      } catch (IOException e) {
        partial.discard();
        throw new IOException(file + ": cannot be written: " + e.getMessage(), e);
      }
    }
  }
}
