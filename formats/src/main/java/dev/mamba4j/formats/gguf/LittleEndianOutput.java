package dev.mamba4j.formats.gguf;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;

/** Writes numbers and bytes to a channel through one buffer, so that heap use stays the same. */
final class LittleEndianOutput {
  private static final int BUFFER_BYTES = 1 << 20;

  private final WritableByteChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private long flushed;

  LittleEndianOutput(WritableByteChannel channel) {
    this.channel = channel;
  }

  /** Bytes written so far. */
  long position() {
    return flushed + buffer.position();
  }

  void u32(int value) throws IOException {
    room(4).putInt(value);
  }

  void u64(long value) throws IOException {
    room(8).putLong(value);
  }

  /** Writes the low bytes of a number. */
  void low(long value, int bytes) throws IOException {
    for (int i = 0; i < bytes; i++) {
      room(1).put((byte) (value >>> (8 * i)));
    }
  }

  void bytes(byte[] data) throws IOException {
    bytes(MemorySegment.ofArray(data));
  }

  void bytes(MemorySegment data) throws IOException {
    long at = 0;
    while (at < data.byteSize()) {
      int count = (int) Math.min(room(1).remaining(), data.byteSize() - at);
      MemorySegment.copy(data, at, MemorySegment.ofBuffer(buffer), 0, count);
      buffer.position(buffer.position() + count);
      at += count;
    }
  }

  /** Writes zeros up to the next multiple of the alignment. */
  void pad(long alignment) throws IOException {
    long zeros = GgufFormat.align(position(), alignment) - position();
    for (long i = 0; i < zeros; i++) {
      room(1).put((byte) 0);
    }
  }

  /** Hands everything to the channel. */
  void flush() throws IOException {
    flushed += buffer.position();
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  private ByteBuffer room(int bytes) throws IOException {
    if (buffer.remaining() < bytes) {
      flush();
    }
    return buffer;
  }
}
