package dev.mamba4j.compress.allocation;

import dev.mamba4j.compress.Choice;
import dev.mamba4j.compress.ImportanceWeighted;
import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.compress.calibration.Origin;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Matrix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
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
public final class PlanSearch implements AutoCloseable {
  /** What a matrix may become, the largest first. */
  private static final List<TensorType> TYPES =
      List.of(
          TensorType.F16,
          TensorType.Q8_0,
          TensorType.Q6_K,
          TensorType.Q5_1,
          TensorType.Q5_K,
          TensorType.Q5_0,
          TensorType.Q4_1,
          TensorType.Q4_K,
          TensorType.IQ4_NL,
          TensorType.Q4_0,
          TensorType.IQ4_XS,
          TensorType.Q3_K,
          TensorType.Q2_K);

  /** What is measured of each matrix, the most telling first; the others follow from these. */
  private static final List<TensorType> MEASURED =
      List.of(TensorType.Q3_K, TensorType.Q6_K, TensorType.Q8_0, TensorType.Q4_K, TensorType.Q2_K);

  /** A matrix with more than this share of a small model is measured in all types. */
  private static final double LARGE_SHARE = 0.125;

  /** From this many values on, only the first of them. */
  private static final long LARGE_MODEL = 400_000_000;

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

  private final LanguageModel model;
  private final ModelSource source;
  private final Optional<ImportanceMatrix> importance;
  private final QuantizationMethod method;
  private final CalibrationText text;
  private final Listener listener;
  private final SensitivityCache cache;
  private final ScratchFile scratch;
  private final EncodedMatrices encoded;
  private final List<SourceTensor> matrices;
  private ReferenceOutput reference;
  private List<List<Allocator.Option>> options;
  private long runs;
  private long allRuns;

  private PlanSearch(
      LanguageModel model,
      ModelSource source,
      Optional<ImportanceMatrix> importance,
      CalibrationText text,
      Path folder,
      Path cacheFile,
      Listener listener)
      throws IOException {
    this.model = model;
    this.source = source;
    this.importance = importance;
    method = ImportanceWeighted.of(importance);
    this.text = text;
    this.listener = listener;
    String origin =
        Origin.of(model.file(), text)
            + "-"
            + importance.map(ImportanceMatrix::fingerprint).orElse("plain");
    cache = SensitivityCache.open(cacheFile, origin);
    matrices = source.tensors().stream().filter(SourceTensor::isMatrix).toList();
    scratch = ScratchFile.in(folder);
    encoded = new EncodedMatrices(method, scratch);
  }

  /**
   * Finds a plan.
   *
   * @param model the source, opened with {@link Precision#FLOAT}
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
      CalibrationText text,
      Goal goal,
      Path folder,
      Path cacheFile,
      Listener listener)
      throws IOException {
    try (PlanSearch search =
        new PlanSearch(model, source, importance, text, folder, cacheFile, listener)) {
      return Optional.ofNullable(search.run(goal));
    }
  }

  private Result run(Goal goal) throws IOException {
    checkPossible(goal);
    long start = System.nanoTime();
    reference = ReferenceOutput.of(model.mamba2(), text, scratch, () -> goOn("reading the text"));
    if (reference == null || !measure((System.nanoTime() - start) / 1e9)) {
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

  private boolean goOn(String what) {
    return listener.progress(what, runs, Math.max(1, allRuns));
  }

  // ---- Measuring ----

  private List<TensorType> measuredTypes(SourceTensor matrix) {
    long values = matrices.stream().mapToLong(tensor -> tensor.info().elements()).sum();
    if (values >= LARGE_MODEL) {
      return List.of(fitting(matrix, MEASURED.getFirst()));
    }
    boolean large = matrix.info().elements() > LARGE_SHARE * values;
    return (large ? TYPES : MEASURED)
        .stream().filter(this::usable).map(type -> fitting(matrix, type)).distinct().toList();
  }

  private boolean measure(double secondsOfARun) throws IOException {
    List<TensorType> usable = TYPES.stream().filter(this::usable).toList();
    Map<String, Sensitivity> all = Sensitivities.start(matrices, usable, importance);
    allRuns = matrices.stream().mapToLong(matrix -> measuredTypes(matrix).size()).sum();
    long left = allRuns - known();
    if (left > 0) {
      listener.note(
          "measuring %d tensors, %d times %d tokens: about %d s"
              .formatted(
                  matrices.size(),
                  left,
                  text.windows() * text.window(),
                  Math.round(left * secondsOfARun)));
    }
    for (SourceTensor matrix : matrices) {
      for (TensorType type : measuredTypes(matrix)) {
        OptionalDouble divergence = sensitivity(matrix, type);
        if (divergence.isEmpty()) {
          return false;
        }
        all.get(matrix.name()).measured(type, divergence.getAsDouble());
        runs++;
      }
    }
    options = matrices.stream().map(matrix -> options(matrix, all, usable)).toList();
    return true;
  }

  private static String key(SourceTensor matrix, TensorType type) {
    return matrix.name() + " " + type;
  }

  private long known() {
    return matrices.stream()
        .flatMap(matrix -> measuredTypes(matrix).stream().map(type -> key(matrix, type)))
        .filter(key -> cache.get(key).isPresent())
        .count();
  }

  private boolean usable(TensorType type) {
    return type.canEncode() && model.kernels().supports(type);
  }

  /** A type of blocks of 32 where rows are not whole blocks of 256. */
  private static TensorType fitting(SourceTensor matrix, TensorType type) {
    return matrix.info().columns() % type.blockSize() == 0 ? type : TensorType.Q4_0;
  }

  private OptionalDouble sensitivity(SourceTensor matrix, TensorType type) throws IOException {
    OptionalDouble known = cache.get(key(matrix, type));
    if (known.isPresent()) {
      return known;
    }
    Divergence divergence =
        compare(Map.of(matrix.name(), encoded.get(matrix, type)), key(matrix, type));
    if (divergence == null) {
      return OptionalDouble.empty();
    }
    cache.put(key(matrix, type), divergence.mean());
    return OptionalDouble.of(divergence.mean());
  }

  private Divergence compare(Map<String, Matrix> changed, String what) throws IOException {
    try (Mamba2 variant = model.variant(Precision.FAST, changed)) {
      return reference.compare(variant, () -> goOn(what));
    }
  }

  private List<Allocator.Option> options(
      SourceTensor matrix, Map<String, Sensitivity> all, List<TensorType> usable) {
    Sensitivity sensitivity = all.get(matrix.name());
    List<Allocator.Option> result = new ArrayList<>();
    for (TensorType type : usable) {
      if (matrix.info().columns() % type.blockSize() == 0) {
        result.add(new Allocator.Option(type, bytes(matrix, type), sensitivity.loss(type)));
      }
    }
    return result;
  }

  private static long bytes(SourceTensor matrix, TensorType type) {
    return type.byteSize(matrix.info().elements());
  }

  // ---- Choosing ----

  private void checkPossible(Goal goal) throws IOException {
    Map<String, Choice> least = new LinkedHashMap<>();
    for (SourceTensor tensor : source.tensors()) {
      TensorType smallest = TensorType.F32;
      for (TensorType type : TYPES) {
        if (tensor.isMatrix()
            && usable(type)
            && tensor.info().columns() % type.blockSize() == 0
            && type.bitsPerWeight() <= smallest.bitsPerWeight()) {
          smallest = type;
        }
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

  /** The best choice whose file is not larger; the header depends on the choice a little. */
  private int[] within(long fileBytes, Goal goal) throws IOException {
    long limit = fileBytes;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      Optional<int[]> chosen = Allocator.choose(options, limit);
      if (chosen.isEmpty()) {
        break;
      }
      long excess = size(chosen.get(), goal) - fileBytes;
      if (excess <= 0) {
        return chosen.get();
      }
      limit -= excess;
    }
    int[] smallest = new int[options.size()];
    for (int i = 0; i < smallest.length; i++) {
      smallest[i] = options.get(i).size() - 1;
    }
    return smallest;
  }

  private long size(int[] chosen, Goal goal) throws IOException {
    return ModelWriter.fileBytes(source, plan(chosen, goal), method);
  }

  /** The choice, improved by exchanges. */
  private Result best(int[] chosen, Goal goal) throws IOException {
    long limit =
        goal instanceof Goal.FileSize size ? size.bytes() : fileBytes((Goal.BitsPerWeight) goal);
    allRuns = runs + 1 + EXCHANGES;
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
    Map<String, Matrix> changed = new HashMap<>();
    for (int i = 0; i < chosen.length; i++) {
      SourceTensor matrix = matrices.get(i);
      changed.put(matrix.name(), encoded.get(matrix, options.get(i).get(chosen[i]).type()));
    }
    Divergence divergence = compare(changed, "trying exchanges");
    runs++;
    return divergence;
  }

  /** How a measured cost stands to the goal: 1 reaches it, above misses it. */
  private interface Share {
    double of(Divergence divergence);
  }

  /** The fewest bytes that keep to a bound; the predicted loss is corrected by the measured one. */
  private Result smallest(Goal goal, double nats, Share share) throws IOException {
    allRuns = runs + ATTEMPTS;
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
      choices.put(matrices.get(i).name(), new Choice(taken.type(), reason(taken, all)));
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

  @Override
  public void close() throws IOException {
    scratch.close();
  }
}
