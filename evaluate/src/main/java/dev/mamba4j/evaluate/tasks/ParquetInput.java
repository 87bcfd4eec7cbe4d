package dev.mamba4j.evaluate.tasks;

import dev.hardwood.InputFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * The bytes of a Parquet file, which gives nothing from outside of it. The library (1.0.1) asks for
 * no bytes at all, again and again, where a page claims to be longer than its column.
 */
final class ParquetInput implements InputFile {
  private final InputFile file;

  ParquetInput(Path file) {
    this.file = InputFile.of(file);
  }

  @Override
  public void open() throws IOException {
    file.open();
  }

  @Override
  public ByteBuffer readRange(long offset, int length) throws IOException {
    if (length <= 0 || offset < 0 || offset > length() - length) {
      throw new IOException("%d bytes are said to lie at %d".formatted(length, offset));
    }
    return file.readRange(offset, length);
  }

  @Override
  public long length() throws IOException {
    return file.length();
  }

  @Override
  public String name() {
    return file.name();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
