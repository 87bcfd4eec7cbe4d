package dev.mamba4j.cli;

import dev.mamba4j.compress.ImportanceWeighted;
import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.PlanFile;
import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.RoundToNearest;
import dev.mamba4j.compress.ScratchFile;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.allocation.Divergence;
import dev.mamba4j.compress.allocation.Goal;
import dev.mamba4j.compress.allocation.PlanSearch;
import dev.mamba4j.compress.allocation.StandardSize;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.compress.transform.TransformedModel;
import dev.mamba4j.formats.WorkFolder;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** From a model to a smaller one. */
@Command(
    name = "quantize",
    description = {
      "Compresses a model: to one type, or to the mix of types that costs it least.",
      "",
      "The matrices (embedding, projections, head) get the types; all else stays F32.",
      "",
      "Stopped (Ctrl-C) or killed, error feedback and the search for a mix go on where they were",
      "when the same command is started again."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j quantize tiny.gguf -o tiny-q8.gguf --type Q8_0",
      "  mamba4j quantize tiny.gguf -o tiny-q4.gguf --type Q4_K --calibration tiny.imatrix.gguf",
      "  mamba4j quantize tiny.gguf -o small.gguf --target-bpw 4.2 -f text.txt",
      "  mamba4j quantize tiny.gguf -o small.gguf --plan edited.json --calibration"
          + " tiny.imatrix.gguf"
    })
final class QuantizeCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "INPUT", description = "A GGUF file or the folder of a checkpoint.")
  private Path input;

  @ArgGroup(multiplicity = "1")
  private Target target;

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description = "Importance matrix of the model, made by calibrate or by llama.cpp.")
  private Path calibration;

  @Option(
      names = "--method",
      paramLabel = "METHOD",
      description =
          "plain: round to nearest; importance: weighted by the matrix (default for one type where"
              + " there is a matrix); gptq: feed errors back, as the inputs seen while reading -f"
              + " TEXT allow (default for mixes).")
  private Method method;

  @Option(
      names = "--transforms",
      paramLabel = "WHAT",
      description =
          "What may change while the model computes the same: scale (numbers move between norms and"
              + " the columns behind), permute (channels and heads change places), all, none"
              + " (default, but for what a plan says).")
  private TransformChoice transforms;

  @Mixin private ClipOptions clipping;

  @Mixin private PlanOptions planning;

  @Mixin private GgufOutput output;

  /** The names of the methods. */
  private enum Method {
    PLAIN,
    IMPORTANCE,
    GPTQ
  }

  /** Which transforms are allowed. */
  private enum TransformChoice {
    NONE,
    SCALE,
    PERMUTE,
    ALL;

    EnumSet<TransformedModel.Kind> kinds() {
      return switch (this) {
        case NONE -> EnumSet.noneOf(TransformedModel.Kind.class);
        case SCALE -> EnumSet.of(TransformedModel.Kind.SCALE);
        case PERMUTE -> EnumSet.of(TransformedModel.Kind.PERMUTE);
        case ALL -> EnumSet.allOf(TransformedModel.Kind.class);
      };
    }
  }

  /** What the result is to be: one of these is given. */
  private static final class Target {
    @Option(
        names = "--type",
        paramLabel = "TYPE",
        description =
            "One type for all (Q8_0, Q6_K, Q5_K, Q4_K, Q4_0, Q3_K, Q2_K, F16, …), or a name such as"
                + " Q4_K_M for the best mix of that size: _S as large as the plain type, _M as"
                + " llama.cpp's file of that name, _L halfway to the next _M.")
    private String type;

    @Option(
        names = "--target-bpw",
        paramLabel = "BITS",
        description = "The best mix of at most so many bits a weight.")
    private Double bitsPerWeight;

    @Option(
        names = "--target-size",
        paramLabel = "SIZE",
        converter = ByteSize.class,
        description = "The best mix in a file of at most this size, such as 1.3GB or 900MiB.")
    private Long fileSize;

    @Option(
        names = "--max-kl",
        paramLabel = "NATS",
        description = "The smallest mix of at most this mean divergence from the original.")
    private Double divergence;

    @Option(
        names = "--max-ppl-increase",
        paramLabel = "PERCENT",
        converter = Percent.class,
        description = "The smallest mix that raises perplexity by at most this, such as 0.5%%.")
    private Double perplexity;

    @Option(
        names = "--plan",
        paramLabel = "FILE",
        description = "A plan as --plan-out writes it, edited or not.")
    private Path plan;

    /** Complains of what makes no sense, before a file is opened. */
    void check() {
      positive("--target-bpw", bitsPerWeight);
      positive("--max-kl", divergence);
      positive("--max-ppl-increase", perplexity);
      if (type != null && !StandardSize.isOne(type)) {
        TensorType _ = plainType();
      }
    }

    private static void positive(String option, Double value) {
      if (value != null && !(value > 0 && Double.isFinite(value))) {
        throw new UsageException(option + " must be a number above 0");
      }
    }

    /** Whether one type, or a plan, says all. */
    boolean isType() {
      return plan != null || (type != null && !StandardSize.isOne(type));
    }

    Optional<Goal> goal(ModelSource source) throws IOException {
      if (bitsPerWeight != null) {
        return Optional.of(new Goal.BitsPerWeight(bitsPerWeight));
      }
      if (fileSize != null) {
        return Optional.of(new Goal.FileSize(fileSize, "at most " + fileSize + " bytes"));
      }
      if (divergence != null) {
        return Optional.of(new Goal.MaxDivergence(divergence));
      }
      if (perplexity != null) {
        return Optional.of(new Goal.MaxPerplexityIncrease(perplexity));
      }
      return type == null ? Optional.empty() : StandardSize.goal(type, source);
    }

    TensorType plainType() {
      return TensorType.ofName(type)
          .filter(TensorType::canEncode)
          .orElseThrow(
              () ->
                  new UsageException(
                      "\"%s\" is not a type that mamba4j writes; there are %s, and mixes: %s"
                          .formatted(type, TensorType.encodable(), StandardSize.names())));
    }
  }

  QuantizeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    target.check();
    planning.check();
    if (method == Method.IMPORTANCE && calibration == null && target.isType()) {
      throw new UsageException("--method importance takes a matrix: --calibration FILE");
    }
    if (target.isType() && method != Method.GPTQ && !clipping.isAuto()) {
      if (!planning.isDryRun()) {
        WorkFolder.forget(output.target());
      }
      return output.write(console, input, this::direct);
    }
    try (WorkFolder work = WorkFolder.open(output.target());
        ScratchFile scratch = ScratchFile.in(work.folder().getParent())) {
      int code = output.write(console, input, source -> running(source, work, scratch));
      if (!console.interruption().requested()) {
        work.delete();
      }
      return code;
    }
  }

  /** What needs no run of the model. */
  private Optional<GgufOutput.Job> direct(ModelSource source) throws IOException {
    Weights weights = changed(new Weights(source, importance(source)));
    QuantizationMethod chosen =
        method == Method.PLAIN ? new RoundToNearest() : ImportanceWeighted.of(weights.importance());
    return planning.finish(
        console, new GgufOutput.Job(weights.source(), plan(weights.source()), chosen), null);
  }

  /** What is quantized, and what is known of its inputs. */
  private record Weights(ModelSource source, Optional<ImportanceMatrix> importance) {}

  /** The same model as the transforms make it; as it is where nothing is known of it. */
  private Weights changed(Weights weights) throws IOException {
    EnumSet<TransformedModel.Kind> kinds = kinds();
    if (kinds.isEmpty()) {
      return weights;
    }
    if (weights.importance().isEmpty()) {
      throw new UsageException(
          "--transforms takes a matrix%s: --calibration FILE"
              .formatted(transforms == null ? ", and " + target.plan + " has transforms" : ""));
    }
    ImportanceMatrix importance = weights.importance().get();
    TransformedModel model = TransformedModel.of(weights.source(), importance, kinds);
    return new Weights(model, Optional.of(model.importance(importance)));
  }

  /** As the option says, or else the plan. */
  private EnumSet<TransformedModel.Kind> kinds() throws IOException {
    if (transforms != null || target.plan == null) {
      return (transforms == null ? TransformChoice.NONE : transforms).kinds();
    }
    EnumSet<TransformedModel.Kind> kinds = EnumSet.noneOf(TransformedModel.Kind.class);
    for (String name : PlanFile.transforms(target.plan)) {
      kinds.add(TransformedModel.Kind.of(name, target.plan));
    }
    return kinds;
  }

  private Optional<GgufOutput.Job> running(ModelSource source, WorkFolder work, ScratchFile scratch)
      throws IOException {
    Optional<Goal> goal = clipping.withRoom(target.goal(source), source);
    if (goal.isPresent()) {
      planning.check(source, goal.get());
    }
    String why = why(goal);
    Optional<ImportanceMatrix> importance = importance(source);
    if (importance.isEmpty() && method() != Method.PLAIN) {
      try (PlanRun run = planning.run(console, input, work, Optional.empty(), why)) {
        importance = run.calibrate();
      }
      if (importance.isEmpty()) {
        return stopped();
      }
    }
    Weights weights = changed(new Weights(source, importance));
    boolean asItIs = weights.source().transforms().isEmpty();
    Optional<ModelSource> other = asItIs ? Optional.empty() : Optional.of(weights.source());
    try (PlanRun run = planning.run(console, input, work, other, why)) {
      Optional<GgufOutput.Job> job = job(weights, run, goal, scratch);
      return job.isEmpty() && console.interruption().requested() ? stopped() : job;
    }
  }

  private String why(Optional<Goal> goal) {
    if (goal.isPresent()) {
      return "to find the best mix";
    }
    return method == Method.GPTQ ? "--method gptq" : "--clip auto";
  }

  /** The one that was chosen, or that which suits what is to be made. */
  private Method method() {
    if (method != null) {
      return method;
    }
    if (!target.isType()) {
      return Method.GPTQ;
    }
    return calibration == null ? Method.PLAIN : Method.IMPORTANCE;
  }

  private Optional<GgufOutput.Job> stopped() {
    console.note("stopped; start the same command again to go on");
    return Optional.empty();
  }

  /** With the help of a run of the model; empty if that was stopped, or if all is said. */
  private Optional<GgufOutput.Job> job(
      Weights weights, PlanRun run, Optional<Goal> goal, ScratchFile scratch) throws IOException {
    ModelSource source = weights.source();
    Optional<ImportanceMatrix> importance = weights.importance();
    int windows = planning.feedbackWindows(source);
    if (goal.isPresent() && method() == Method.GPTQ) {
      run.check(source, importance, windows, goal.get());
    }
    Optional<QuantizationMethod> chosen =
        switch (method()) {
          case PLAIN -> Optional.of(new RoundToNearest());
          case IMPORTANCE -> Optional.of(ImportanceWeighted.of(importance));
          case GPTQ -> run.feedback(importance, windows, scratch);
        };
    if (chosen.isEmpty()) {
      return Optional.empty();
    }
    if (goal.isEmpty()) {
      return finish(run, new GgufOutput.Job(source, plan(source), chosen.get()), null);
    }
    Optional<PlanSearch.Result> found =
        run.search(source, importance, chosen.get(), planning.measuredWindows(source), goal.get());
    if (found.isEmpty()) {
      return Optional.empty();
    }
    return finish(
        run,
        new GgufOutput.Job(source, found.get().plan(), chosen.get()),
        found.get().divergence());
  }

  private Optional<GgufOutput.Job> finish(PlanRun run, GgufOutput.Job job, Divergence divergence)
      throws IOException {
    Optional<GgufOutput.Job> clipped = clipping.clip(run, job);
    return clipped.isEmpty()
        ? Optional.empty()
        : planning.finish(console, clipped.get(), divergence);
  }

  private Plan plan(ModelSource source) throws IOException {
    if (target.plan == null) {
      return Plan.uniform(source, target.plainType());
    }
    return clipping.allowed(PlanFile.read(target.plan, source));
  }

  private Optional<ImportanceMatrix> importance(ModelSource source) throws IOException {
    if (calibration == null) {
      return Optional.empty();
    }
    ImportanceMatrix matrix = ImportanceMatrix.read(calibration);
    matrix.check(calibration.toString(), source.tensors().stream().map(SourceTensor::info));
    return Optional.of(matrix);
  }
}
