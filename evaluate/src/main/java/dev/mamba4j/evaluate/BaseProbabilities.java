package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.PartialFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What a model predicts after each scored token of a text, kept in a file so that others can be
 * compared with it: the file of llama.cpp's {@code llama-perplexity --kl-divergence-base}, which
 * reads those written here and writes those read here. Little-endian:
 *
 * <pre>
 * "_logits_"                                   8 bytes
 * window, vocabulary, windows                  int32 each
 * tokens                                       int32 (windows, window)
 * rows                                         {@link ProbabilityRow} (windows, scored of a window)
 * </pre>
 */
public final class BaseProbabilities implements AutoCloseable {
  private final Path path;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment data;
  private final BaseHeader header;

  private BaseProbabilities(Path path) throws IOException {
    this.path = path;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      data = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      header = BaseHeader.read(data, path.toString());
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  /**
   * Opens a file; it is mapped, not read.
   *
   * @throws FormatException if it is not such a file, or is not as long as its header demands
   */
  public static BaseProbabilities open(Path path) throws IOException {
    return new BaseProbabilities(path);
  }

  /**
   * Measures the perplexity of a model and writes what it predicts. The file has its name only once
   * it is complete.
   *
   * @param window see {@link Perplexity#measure}
   */
  public static Perplexity write(
      Path path,
      LanguageModel model,
      String text,
      int window,
      int maxWindows,
      Perplexity.Progress progress)
      throws IOException {
    TextWindows windows = TextWindows.of(model.tokenizer(), text, window, maxWindows);
    int vocabulary = model.mamba2().config().vocabulary();
    PartialFile file = PartialFile.create(path);
    try (BaseWriter writer = new BaseWriter(file.channel(), windows, vocabulary)) {
      Perplexity perplexity =
          Perplexity.measure(model, windows, (_, logits) -> writer.write(logits), progress);
      file.commit();
      return perplexity;
    } finally {
      file.discard();
    }
  }

  /** Tokens of a window. */
  public int window() {
    return header.window();
  }

  /** Number of windows. */
  public int windows() {
    return header.windows();
  }

  /** The tokens of all windows, one window behind the other. */
  public int[] tokens() {
    return header.tokens(data);
  }

  /**
   * Checks that a model takes and gives the tokens of the file.
   *
   * @throws FormatException if it does not
   */
  void check(LanguageModel model) throws FormatException {
    int vocabulary = model.mamba2().config().vocabulary();
    if (header.vocabulary() != vocabulary) {
      throw new FormatException(
          "%s: made by a model with %d tokens, this one has %d; use a base of the same model"
              .formatted(path, header.vocabulary(), vocabulary));
    }
    int[] tokens = tokens();
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] < 0 || tokens[i] >= vocabulary) {
        throw new FormatException(
            "%s: token %d of the text: expected an id below %d, found %d"
                .formatted(path, i, vocabulary, tokens[i]));
      }
    }
  }

  /** What was predicted for a scored token of a window. */
  ProbabilityRow row(int window, int scored) {
    long bytes = ProbabilityRow.bytes(header.vocabulary());
    long at = header.firstRow() + (window * (long) header.scored() + scored) * bytes;
    return new ProbabilityRow(data.asSlice(at, bytes), header.vocabulary());
  }

  /** Unmaps the file. */
  @Override
  public void close() {
    arena.close();
  }
}
