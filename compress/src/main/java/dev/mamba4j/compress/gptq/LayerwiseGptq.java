package dev.mamba4j.compress.gptq;

import dev.mamba4j.compress.Choice;
import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.RoundToNearest;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.ProjectionObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Quantizes a model with {@link Gptq}, some layers at a time from the first to the last: each pass
 * reads the text with all layers before already quantized, so that the later ones make up for their
 * errors, and writes the model that the next pass reads.
 *
 * <p>A pass holds the products of the inputs of its layers, four bytes for each pair of columns,
 * and the factors made of them.
 */
public final class LayerwiseGptq {
  /** How much a pass may hold, in bytes. */
  private static final long PASS_BYTES = 512L << 20;

  private final ModelOptions options;
  private final Plan plan;
  private final CalibrationText text;
  private final ModelWriter.Progress progress;
  private final int layers;
  private final int step;

  private LayerwiseGptq(
      LanguageModel model,
      ModelOptions options,
      Plan plan,
      CalibrationText text,
      ModelWriter.Progress progress) {
    this.options = options.withPrecision(Precision.FLOAT);
    this.plan = plan;
    this.text = text;
    this.progress = progress;
    layers = model.mamba2().config().layers();
    long width = model.mamba2().config().width();
    long inner = model.mamba2().config().inner();
    long bytes = 4 * (width * width + inner * inner);
    step = Math.clamp(PASS_BYTES / bytes, 1, Math.max(1, layers / 6));
  }

  /**
   * Quantizes a model.
   *
   * @param input a GGUF file of floats
   * @param options how it is run; the precision is that of floats
   * @param text what the model reads
   * @param progress told of the tokens read, of all passes together
   */
  public static void write(
      Path input,
      ModelOptions options,
      Plan plan,
      CalibrationText text,
      Path target,
      ModelWriter.Progress progress)
      throws IOException {
    LayerwiseGptq gptq;
    try (LanguageModel model = LanguageModel.open(input, options)) {
      gptq = new LayerwiseGptq(model, options, plan, text, progress);
    }
    gptq.write(input, target);
  }

  private void write(Path input, Path target) throws IOException {
    Path from = input;
    int passes = (layers + step - 1) / step;
    for (int pass = 0; pass < passes; pass++) {
      int end = Math.min(layers, (pass + 1) * step);
      Path to = end == layers ? target : target.resolveSibling(target.getFileName() + "." + pass);
      try {
        writePass(from, to, pass, passes);
      } finally {
        if (pass > 0) {
          Files.deleteIfExists(from);
        }
      }
      from = to;
    }
  }

  private void writePass(Path from, Path to, int pass, int passes) throws IOException {
    int first = pass * step;
    int end = Math.min(layers, first + step);
    InputProducts products = new InputProducts(layersFrom(first, end));
    try (LanguageModel model = LanguageModel.open(from, options)) {
      observe(model, products, pass, passes);
    }
    try (ModelSource source = ModelWriter.open(from)) {
      ModelWriter.write(
          source,
          partial(source, end),
          new Gptq(products, new RoundToNearest()),
          to,
          ModelWriter.Progress.NONE);
    }
  }

  private void observe(LanguageModel model, ProjectionObserver observer, int pass, int passes) {
    model.mamba2().observe(observer);
    try (Mamba2State state = model.mamba2().newState()) {
      for (int i = 0; i < text.windows(); i++) {
        state.reset();
        model.mamba2().prefill(state, text.window(i), PrefillListener.NONE);
        long done = (long) pass * text.windows() + i + 1;
        progress.report(
            done * text.window(), (long) passes * text.windows() * text.window(), "gptq");
      }
    } finally {
      model.mamba2().observe(ProjectionObserver.NONE);
    }
  }

  private static Predicate<String> layersFrom(int first, int end) {
    return name -> {
      int layer = layer(name);
      return first <= layer && layer < end;
    };
  }

  /** The layer of a tensor by its name, {@code blk.N.…}; -1 for those of no layer. */
  private static int layer(String name) {
    return name.startsWith("blk.") ? Integer.parseInt(name, 4, name.indexOf('.', 4), 10) : -1;
  }

  /** The plan for the layers before {@code end}, for the rest what they are; the last has all. */
  private Plan partial(ModelSource source, int end) {
    Map<String, Choice> types = new LinkedHashMap<>();
    for (SourceTensor tensor : source.tensors()) {
      boolean due = end == layers || (layer(tensor.name()) >= 0 && layer(tensor.name()) < end);
      Choice choice = due ? plan.choice(tensor) : Choice.of(tensor.info().type());
      types.put(tensor.name(), choice);
    }
    return new Plan(types, plan.goal());
  }
}
