package dev.mamba4j.compress.gptq;

import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ProjectionObserver;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.WorkFolder;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Reads a text for {@link InputProducts}; says what it takes, and goes on where it was killed. */
final class Reading {
  private static final String FILE = "products.gguf";
  private static final String HEAD = "output.weight";
  private static final String EMBEDDING = "token_embd.weight";

  /** Before that, a fresh JVM is slower than it will be. */
  private static final long WARM_UP_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final LanguageModel model;
  private final CalibrationText text;
  private final InputProducts products;
  private final WorkFolder work;
  private final Gptq.Progress progress;
  private final List<GgufTensorInfo> matrices;
  private final long start = System.nanoTime();
  private boolean told;

  Reading(
      LanguageModel model,
      CalibrationText text,
      InputProducts products,
      WorkFolder work,
      Gptq.Progress progress) {
    this.model = model;
    this.text = text;
    this.products = products;
    this.work = work;
    this.progress = progress;
    boolean tied = model.file().tensor(HEAD).isEmpty();
    matrices =
        model.file().tensors().stream()
            .map(GgufTensor::info)
            .filter(info -> SourceTensor.isMatrix(info.name()))
            .filter(info -> tied || !info.name().equals(EMBEDDING))
            .toList();
  }

  /** False if the progress stopped it. */
  boolean run() throws IOException {
    ProductsFile file = new ProductsFile(work.file(FILE), products);
    int done = file.resume();
    if (done > 0) {
      progress.note(
          "gptq goes on: %d of %d windows were read before".formatted(done, text.windows()));
    }
    if (done < text.windows()) {
      announce(done);
    }
    int first = done;
    model.mamba2().observe(products);
    try (Mamba2State state = model.mamba2().newState()) {
      for (; done < text.windows(); done++) {
        long begin = System.nanoTime();
        state.reset();
        if (!model
            .mamba2()
            .prefill(state, text.window(done), text.listener(done, progress::report))) {
          return false;
        }
        file.saveNowAndThen(done + 1);
        estimate(done + 1, System.nanoTime() - begin);
      }
    } finally {
      model.mamba2().observe(ProjectionObserver.NONE);
    }
    if (done > first) {
      file.save(done);
    }
    return true;
  }

  /** Says what it takes, and refuses to begin what cannot end: a full disk would kill the JVM. */
  private void announce(int done) throws IOException {
    long pairs = matrices.stream().mapToLong(info -> info.columns() * info.columns()).sum();
    long bytes = 8 * pairs; // the sums, their triangles when saved, and the next while it is made
    Path folder = work.folder();
    progress.note(
        "gptq reads %d tokens in windows of %d, takes %d MB in %s, and then rounds %d matrices"
            .formatted(
                text.tokens(text.windows() - done),
                text.window(),
                Math.ceilDiv(bytes, 1_000_000),
                folder.getParent(),
                matrices.size()));
    long free = Files.getFileStore(folder).getUsableSpace();
    if (free < bytes) {
      throw new FormatException(
          "%s: gptq takes %d bytes there, and %d are free; make room or choose another folder"
              .formatted(folder.getParent(), bytes, free));
    }
  }

  /** Says once how long it will take, as soon as that is known. */
  private void estimate(int done, long nanosOfAWindow) {
    if (told || System.nanoTime() - start < WARM_UP_NANOS || done == text.windows()) {
      return;
    }
    told = true;
    double rounding = 0;
    for (GgufTensorInfo matrix : matrices) {
      rounding += roundingProducts(matrix) / products.perSecond();
    }
    progress.note(
        "gptq: about %d s more of reading, about %d s to round all matrices once"
            .formatted(
                Math.round((text.windows() - done) * nanosOfAWindow / 1e9), Math.round(rounding)));
  }

  /** The multiplications that rounding a matrix takes: its inverse factor, and spreading errors. */
  static double roundingProducts(GgufTensorInfo matrix) {
    double columns = matrix.columns();
    return columns * columns * (columns / 3 + matrix.rows() / 2.0);
  }
}
