package dev.mamba4j.compress.allocation;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.ScratchFile;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.compress.calibration.Origin;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.tensor.TensorType;
import dev.mamba4j.kernels.Kernels;
import dev.mamba4j.kernels.Matrix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Runs a model with some of its matrices in other types and tells how far it is from the original
 * then. What a type costs a matrix is kept in a file once it is measured.
 */
final class Trials implements AutoCloseable {
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

  private final LanguageModel model;
  private final Optional<ImportanceMatrix> importance;
  private final QuantizationMethod method;
  private final CalibrationText text;
  private final PlanSearch.Listener listener;
  private final SensitivityCache cache;
  private final ScratchFile scratch;
  private final EncodedMatrices encoded;
  private final List<SourceTensor> matrices;
  private ReferenceOutput reference; // once prepared
  private double secondsOfARun;
  private long runs;
  private long allRuns;

  /**
   * @param folder for the scratch file
   */
  Trials(
      LanguageModel model,
      ModelSource source,
      Optional<ImportanceMatrix> importance,
      QuantizationMethod method,
      CalibrationText text,
      Path folder,
      Path cacheFile,
      PlanSearch.Listener listener)
      throws IOException {
    this.model = model;
    this.importance = importance;
    this.method = method;
    this.text = text;
    this.listener = listener;
    String origin = Origin.of(model.file(), text) + " " + method.fingerprint();
    cache = SensitivityCache.open(cacheFile, origin);
    matrices = source.tensors().stream().filter(SourceTensor::isMatrix).toList();
    scratch = ScratchFile.in(folder);
    encoded = new EncodedMatrices(method, scratch);
  }

  /** Whether so many values are too many to measure more than one type of each matrix. */
  static boolean isLarge(List<SourceTensor> matrices) {
    return matrices.stream().mapToLong(tensor -> tensor.info().elements()).sum() >= LARGE_MODEL;
  }

  /** The matrices of the model, in the order of its file. */
  List<SourceTensor> matrices() {
    return matrices;
  }

  /** The types that a matrix may get, the largest first. */
  static List<TensorType> types(SourceTensor matrix, Kernels kernels) {
    return TYPES.stream()
        .filter(type -> usable(type, kernels))
        .filter(type -> matrix.info().columns() % type.blockSize() == 0)
        .toList();
  }

  /** Has the original read the text; false if it was told to stop. */
  boolean prepare() throws IOException {
    long start = System.nanoTime();
    reference = ReferenceOutput.of(model.mamba2(), text, scratch, () -> goOn("reading the text"));
    secondsOfARun = (System.nanoTime() - start) / 1e9;
    return reference != null;
  }

  /** So many runs are still to come, for the progress. */
  void expect(int more) {
    allRuns = runs + more;
  }

  /** How far the model is with each matrix in a type of its own; null if it was told to stop. */
  Divergence of(List<TensorType> types) throws IOException {
    Map<String, Matrix> changed = new HashMap<>();
    for (int i = 0; i < types.size(); i++) {
      changed.put(matrices.get(i).name(), encoded.get(matrices.get(i), types.get(i)));
    }
    Divergence divergence = compare(changed, "trying exchanges");
    runs++;
    return divergence;
  }

  private boolean goOn(String what) {
    return listener.progress(what, runs, Math.max(1, allRuns));
  }

  private List<TensorType> measuredTypes(SourceTensor matrix) {
    if (isLarge(matrices)) {
      return List.of(fitting(matrix, MEASURED.getFirst()));
    }
    long values = matrices.stream().mapToLong(tensor -> tensor.info().elements()).sum();
    boolean large = matrix.info().elements() > LARGE_SHARE * values;
    return (large ? TYPES : MEASURED)
        .stream()
            .filter(type -> usable(type, model.kernels()))
            .map(type -> fitting(matrix, type))
            .distinct()
            .toList();
  }

  /** What each matrix may become and what that costs; null if it was told to stop. */
  List<List<Allocator.Option>> options() throws IOException {
    List<TensorType> usable = TYPES.stream().filter(type -> usable(type, model.kernels())).toList();
    Map<String, Sensitivity> all = Sensitivities.start(matrices, usable, importance);
    allRuns = matrices.stream().mapToLong(matrix -> measuredTypes(matrix).size()).sum();
    announce();
    for (SourceTensor matrix : matrices) {
      for (TensorType type : measuredTypes(matrix)) {
        OptionalDouble divergence = sensitivity(matrix, type);
        if (divergence.isEmpty()) {
          return null;
        }
        all.get(matrix.name()).measured(type, divergence.getAsDouble());
        runs++;
      }
    }
    return matrices.stream().map(matrix -> options(matrix, all.get(matrix.name()))).toList();
  }

  private static String key(SourceTensor matrix, TensorType type) {
    return matrix.name() + " " + type;
  }

  /** Says how much there is to be measured, and how long that takes. */
  private void announce() {
    long left = 0;
    double seconds = 0;
    for (SourceTensor matrix : matrices) {
      for (TensorType type : measuredTypes(matrix)) {
        if (cache.get(key(matrix, type)).isEmpty()) {
          left++;
          seconds += secondsOfARun + method.seconds(matrix, type);
        }
      }
    }
    if (left > 0) {
      listener.note(
          "measuring %d tensors, %d times %d tokens: about %d s"
              .formatted(
                  matrices.size(), left, text.windows() * text.window(), Math.round(seconds)));
    }
  }

  private static boolean usable(TensorType type, Kernels kernels) {
    return type.canEncode() && kernels.supports(type);
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

  private List<Allocator.Option> options(SourceTensor matrix, Sensitivity sensitivity) {
    List<Allocator.Option> result = new ArrayList<>();
    for (TensorType type : types(matrix, model.kernels())) {
      long bytes = type.byteSize(matrix.info().elements());
      result.add(new Allocator.Option(type, bytes, sensitivity.loss(type)));
    }
    return result;
  }

  @Override
  public void close() throws IOException {
    scratch.close();
  }
}
