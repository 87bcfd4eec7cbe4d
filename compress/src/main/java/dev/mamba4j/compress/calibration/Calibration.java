package dev.mamba4j.compress.calibration;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ProjectionObserver;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.PartialFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Makes the importance matrix of a model: reads a text through prefill, window by window, and adds
 * up the squares of the inputs of each matrix. Takes two numbers for each column of the model,
 * however long the text is.
 *
 * <p>What has been added up is saved beside the target, as {@code TARGET.unfinished}, from time to
 * time and when the work is stopped. The same calibration, started again, goes on from there; any
 * other starts from the beginning.
 */
public final class Calibration {
  /** Saving may take one of so many seconds. */
  private static final int SHARE = 20;

  private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** Follows the work. */
  @FunctionalInterface
  public interface Progress {
    /**
     * Called several times a window.
     *
     * @param done tokens read, those of an earlier start included
     * @return whether to go on
     */
    boolean report(long done, long total);

    /** Something worth telling: that it goes on from an earlier start. */
    default void note(String line) {}
  }

  private final LanguageModel model;
  private final CalibrationText text;
  private final Path unfinished;
  private final String origin;
  private final Progress progress;
  private final ColumnSquares squares = new ColumnSquares();

  private Calibration(LanguageModel model, CalibrationText text, Path target, Progress progress) {
    this.model = model;
    this.text = text;
    this.progress = progress;
    unfinished = target.resolveSibling(target.getFileName() + ".unfinished");
    origin = Origin.of(model.file(), text);
  }

  /**
   * Makes the matrix and writes it to the target.
   *
   * @param model opened with {@link dev.mamba4j.engine.Precision#FLOAT}
   * @return empty if the progress stopped it; what is done is saved then
   * @throws FormatException if an input of a matrix is not a finite number
   */
  public static Optional<ImportanceMatrix> run(
      LanguageModel model, CalibrationText text, Path target, Progress progress)
      throws IOException {
    return new Calibration(model, text, target, progress).run(target);
  }

  private Optional<ImportanceMatrix> run(Path target) throws IOException {
    int done = resume();
    if (done > 0) {
      progress.note(
          "calibration goes on: %d of %d windows were read before".formatted(done, text.windows()));
    }
    long saved = System.nanoTime();
    long pause = SHORTEST_PAUSE_NANOS;
    model.mamba2().observe(squares);
    try (Mamba2State state = model.mamba2().newState()) {
      for (; done < text.windows(); done++) {
        state.reset();
        boolean complete =
            model.mamba2().prefill(state, text.window(done), text.listener(done, progress));
        squares.endWindow(complete);
        if (!complete) {
          save(done);
          return Optional.empty();
        }
        long now = System.nanoTime();
        if (now - saved > pause) {
          save(done + 1);
          saved = System.nanoTime();
          pause = Math.max(SHORTEST_PAUSE_NANOS, SHARE * (saved - now));
        }
      }
    } finally {
      model.mamba2().observe(ProjectionObserver.NONE);
    }
    progress.report(text.tokens(done), text.tokens(done));
    ImportanceMatrix matrix = matrix(done);
    matrix.write(target);
    Files.deleteIfExists(unfinished);
    PartialFile.forget(unfinished); // of a start that was killed while it saved
    return Optional.of(matrix);
  }

  /** How many windows an earlier start has read. */
  private int resume() throws IOException {
    if (!Files.exists(unfinished)) {
      return 0;
    }
    try {
      ImportanceFile before = ImportanceFile.read(unfinished);
      if (before.origin().equals(Optional.of(origin))
          && before.matrix().chunks() <= text.windows()) {
        squares.startFrom(before.matrix());
        return before.matrix().chunks();
      }
    } catch (FormatException _) {
      // A damaged one is of no use; the next save replaces it.
    }
    return 0;
  }

  private void save(int windows) throws IOException {
    if (windows > 0) {
      ImportanceFile.write(unfinished, matrix(windows), Optional.of(origin));
    }
  }

  private ImportanceMatrix matrix(int windows) throws FormatException {
    ImportanceMatrix matrix =
        new ImportanceMatrix(List.of(text.name()), windows, text.window(), squares.columns());
    for (var entry : matrix.entries().entrySet()) {
      ImportanceFile.check(
          model.file().path(), entry.getKey(), entry.getValue().sums(), entry.getValue().count());
    }
    return matrix;
  }
}
