package dev.mamba4j.compress.allocation;

import dev.mamba4j.compress.Choice;
import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Kernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Finds the plan that keeps to a goal and costs the model least. The costs of types are measured, a
 * tensor at a time, as the divergence of the whole model from its original on a text; see {@link
 * Sensitivity}. They add up, nearly, so that a knapsack gives the plan; the divergence of that plan
 * is measured too, and exchanges between two tensors are tried for as long as they help.
 *
 * <p>Cost: one run over the text for each tensor and measured type, and some twenty for exchanges.
 * What has been measured is kept in a file, so that stopped work goes on and other goals come soon.
 */
public final class PlanSearch {
  private static final int EXCHANGES = 40;

  /** After so many that did not help, no more are tried. */
  private static final int PATIENCE = 12;

  private static final int ATTEMPTS = 6;

  /** Follows a search. */
  public interface Listener {
    /**
     * Called several times a second.
     *
     * @return whether to go on
     */
    boolean progress(String what, long done, long total);

    /** Something worth telling. */
    void note(String line);
  }

  /**
   * A plan and what it costs.
   *
   * @param divergence measured on the text, with weights and inputs as they will be
   * @param fileBytes size of the file that {@link ModelWriter} makes of it
   */
  public record Result(Plan plan, Divergence divergence, long fileBytes) {}

  private final ModelSource source;
  private final QuantizationMethod method;
  private final Trials trials;
  private List<List<Allocator.Option>> options; // of each matrix, once measured

  private PlanSearch(ModelSource source, QuantizationMethod method, Trials trials) {
    this.source = source;
    this.method = method;
    this.trials = trials;
  }

  /** How many windows of text are enough to tell plans of a model apart. */
  public static int windows(ModelSource source) {
    return isLarge(source) ? 2 : 8;
  }

  /** Whether a model is so large that less is measured. */
  public static boolean isLarge(ModelSource source) {
    return Trials.isLarge(source.tensors().stream().filter(SourceTensor::isMatrix).toList());
  }

  /**
   * Finds a plan.
   *
   * @param model the source, opened with {@link Precision#FLOAT}
   * @param importance tells of the types that are not measured
   * @param method how weights become integers, in trials and then
   * @param text what divergence is measured on
   * @param folder for a scratch file: the probabilities of the text, and the matrices in what is
   *     tried
   * @param cacheFile keeps what has been measured
   * @return empty if the listener stopped it
   * @throws FormatException if the goal cannot be reached; the message tells the smallest possible
   */
  public static Optional<Result> run(
      LanguageModel model,
      ModelSource source,
      Optional<ImportanceMatrix> importance,
      QuantizationMethod method,
      CalibrationText text,
      Goal goal,
      Path folder,
      Path cacheFile,
      Listener listener)
      throws IOException {
    check(source, goal, method, model.kernels());
    try (Trials trials =
        new Trials(model, source, importance, method, text, folder, cacheFile, listener)) {
      PlanSearch search = new PlanSearch(source, method, trials);
      return Optional.ofNullable(search.run(goal));
    }
  }

  private Result run(Goal goal) throws IOException {
    options = trials.prepare() ? trials.options() : null;
    if (options == null) {
      return null;
    }
    return switch (goal) {
      case Goal.FileSize size -> best(within(size.bytes(), goal), goal);
      case Goal.BitsPerWeight bits -> best(within(fileBytes(bits), goal), goal);
      case Goal.MaxDivergence most ->
          smallest(goal, most.nats(), divergence -> divergence.mean() / most.nats());
      case Goal.MaxPerplexityIncrease most -> {
        double nats = Math.log1p(most.percent() / 100);
        yield smallest(goal, nats, divergence -> divergence.logPerplexity() / nats);
      }
    };
  }

  /**
   * Refuses a size that no plan can have.
   *
   * @param method of which a file tells
   * @param kernels that are to run the types
   * @throws FormatException if the goal cannot be reached; the message tells the smallest possible
   */
  public static void check(
      ModelSource source, Goal goal, QuantizationMethod method, Kernels kernels)
      throws IOException {
    Map<String, Choice> least = new LinkedHashMap<>();
    for (SourceTensor tensor : source.tensors()) {
      TensorType smallest = TensorType.F32;
      for (TensorType type : Trials.types(tensor, kernels)) {
        boolean smaller = type.bitsPerWeight() <= smallest.bitsPerWeight();
        smallest = tensor.isMatrix() && smaller ? type : smallest;
      }
      least.put(tensor.name(), Choice.of(smallest));
    }
    Plan plan = new Plan(least, goal.text());
    long size = ModelWriter.fileBytes(source, plan, method);
    double bits = 8.0 * ModelWriter.tensorBytes(source, plan) / ModelWriter.values(source);
    switch (goal) {
      case Goal.FileSize most when most.bytes() < size ->
          throw new FormatException(
              "%s cannot be made as small as %d bytes; the smallest possible is %d bytes"
                  .formatted(source.name(), most.bytes(), size));
      case Goal.BitsPerWeight most when most.bits() < bits ->
          throw new FormatException(
              "%s cannot be made as small as %s bits per weight; the smallest possible is %.3f"
                  .formatted(source.name(), most.bits(), Math.ceil(bits * 1000) / 1000));
      default -> {}
    }
  }

  /** The size of a file whose tensors have so many bits a value. */
  private long fileBytes(Goal.BitsPerWeight goal) throws IOException {
    Plan any = Plan.uniform(source, TensorType.F16);
    long header = ModelWriter.fileBytes(source, any, method) - ModelWriter.tensorBytes(source, any);
    return header + (long) (goal.bits() * ModelWriter.values(source) / 8);
  }

  /** The best choice whose file is not larger. */
  private int[] within(long fileBytes, Goal goal) throws IOException {
    return Allocator.chooseFile(options, fileBytes, choice -> size(choice, goal));
  }

  private long size(int[] chosen, Goal goal) throws IOException {
    return ModelWriter.fileBytes(source, plan(chosen, goal), method);
  }

  /** The choice, improved by exchanges. */
  private Result best(int[] chosen, Goal goal) throws IOException {
    long limit =
        goal instanceof Goal.FileSize size ? size.bytes() : fileBytes((Goal.BitsPerWeight) goal);
    trials.expect(1 + EXCHANGES);
    Divergence now = measure(chosen);
    Exchanges exchanges = new Exchanges(options);
    int failed = 0;
    for (int i = 0; i < EXCHANGES && failed < PATIENCE && now != null; i++) {
      Optional<int[]> other =
          exchanges.next(
              chosen, limit - size(chosen, goal), candidate -> size(candidate, goal) <= limit);
      if (other.isEmpty()) {
        break;
      }
      Divergence then = measure(other.get());
      if (then == null) {
        return null;
      }
      exchanges.learn(chosen, other.get(), then.mean() - now.mean());
      failed++;
      if (then.mean() < now.mean()) {
        chosen = other.get();
        now = then;
        failed = 0;
      }
    }
    return now == null ? null : new Result(plan(chosen, goal), now, size(chosen, goal));
  }

  private Divergence measure(int[] chosen) throws IOException {
    List<TensorType> types = new ArrayList<>();
    for (int i = 0; i < chosen.length; i++) {
      types.add(options.get(i).get(chosen[i]).type());
    }
    return trials.of(types);
  }

  /** How a measured cost stands to the goal: 1 reaches it, above misses it. */
  private interface Share {
    double of(Divergence divergence);
  }

  /** The fewest bytes that keep to a bound; the predicted loss is corrected by the measured one. */
  private Result smallest(Goal goal, double nats, Share share) throws IOException {
    trials.expect(ATTEMPTS);
    Result best = null;
    double loss = nats;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      int[] chosen = Allocator.smallest(options, loss);
      Divergence divergence = measure(chosen);
      if (divergence == null) {
        return null;
      }
      double reached = share.of(divergence);
      long size = size(chosen, goal);
      if (reached <= 1 && (best == null || size < best.fileBytes())) {
        best = new Result(plan(chosen, goal), divergence, size);
      }
      if (reached <= 1 && reached > 0.97) {
        break;
      }
      loss *= Math.clamp(0.985 / Math.max(reached, 1e-3), 0.25, 4);
    }
    if (best == null) {
      throw new FormatException(
          "%s: no plan keeps to %s; give a larger bound".formatted(source.name(), goal.text()));
    }
    return best;
  }

  private Plan plan(int[] chosen, Goal goal) {
    Map<String, Choice> choices = new LinkedHashMap<>();
    for (SourceTensor tensor : source.tensors()) {
      choices.put(tensor.name(), Choice.of(TensorType.F32));
    }
    for (int i = 0; i < chosen.length; i++) {
      List<Allocator.Option> all = options.get(i);
      Allocator.Option taken = all.get(chosen[i]);
      choices.put(
          trials.matrices().get(i).name(),
          new Choice(taken.type(), reason(taken, all), OptionalDouble.of(taken.loss())));
    }
    return new Plan(choices, goal.text());
  }

  /** What the choice costs, and what the next smaller would. */
  private static String reason(Allocator.Option taken, List<Allocator.Option> all) {
    Optional<Allocator.Option> smaller =
        all.stream()
            .filter(option -> option.bytes() < taken.bytes())
            .min((a, b) -> Double.compare(a.loss(), b.loss()));
    return String.format(
        Locale.ROOT,
        "costs %.2e nats%s",
        taken.loss(),
        smaller
            .map(o -> String.format(Locale.ROOT, "; %s would cost %.2e", o.type(), o.loss()))
            .orElse(", the smallest type"));
  }
}
