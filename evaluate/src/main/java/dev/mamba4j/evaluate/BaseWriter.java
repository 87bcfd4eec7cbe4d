package dev.mamba4j.evaluate;

import dev.mamba4j.engine.sampling.LogProbabilities;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.stream.IntStream;

/** Writes a file of {@link BaseProbabilities} window by window. */
final class BaseWriter implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final FileChannel channel;
  private final int vocabulary;
  private final MemorySegment rows; // those of a window

  BaseWriter(FileChannel channel, TextWindows windows, int vocabulary) throws IOException {
    this.channel = channel;
    this.vocabulary = vocabulary;
    rows = arena.allocate(windows.scored() * ProbabilityRow.bytes(vocabulary));
    BaseHeader header = new BaseHeader(windows.length(), vocabulary, windows.count());
    write(header.toBytes(windows.tokens()));
  }

  /** Writes the rows of the next window. */
  void write(float[][] logits) throws IOException {
    long bytes = ProbabilityRow.bytes(vocabulary);
    IntStream.range(0, logits.length)
        .parallel()
        .forEach(
            i ->
                new ProbabilityRow(rows.asSlice(i * bytes, bytes), vocabulary)
                    .write(logits[i], LogProbabilities.logSumExp(logits[i], vocabulary)));
    write(rows);
  }

  private void write(MemorySegment data) throws IOException {
    ByteBuffer buffer = data.asByteBuffer();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
