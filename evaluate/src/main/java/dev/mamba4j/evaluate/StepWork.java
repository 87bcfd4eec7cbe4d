package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.tensor.TensorType;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a part of a step has to do for one token, all layers together.
 *
 * @param bytes of memory: weights are read once, the state is read and written
 * @param products operations of matrix products by the type of the weights, a multiply-add for each
 *     weight being two
 * @param scanned other multiply-adds, as operations likewise: those of the convolution and the scan
 */
public record StepWork(long bytes, Map<TensorType, Long> products, long scanned) {
  /** The parts of a step in their order. */
  static final String NORM = "norm";

  static final String IN_PROJ = "in_proj";
  static final String CONV = "conv";
  static final String SCAN = "scan";
  static final String GATE_NORM = "gate_norm";
  static final String OUT_PROJ = "out_proj";
  static final String HEAD = "head";

  private static final StepWork NOTHING = new StepWork(0, Map.of(), 0);

  /** The multiply-adds of a value of the state and token: its update and its read-out. */
  private static final int SCAN_STEPS = 2;

  /** Copies the map. */
  public StepWork {
    products = Map.copyOf(products);
  }

  /** Operations of all kinds. */
  public long operations() {
    return scanned + products.values().stream().mapToLong(count -> count).sum();
  }

  /** Both. */
  StepWork plus(StepWork other) {
    Map<TensorType, Long> sum = new EnumMap<>(TensorType.class);
    sum.putAll(products);
    other.products.forEach((type, count) -> sum.merge(type, count, Long::sum));
    return new StepWork(bytes + other.bytes, sum, scanned + other.scanned);
  }

  /**
   * The work of each part, by name.
   *
   * @return norm, in_proj, conv, scan, gate_norm, out_proj and head
   */
  public static Map<String, StepWork> of(LanguageModel model) {
    Map<String, StepWork> parts = new LinkedHashMap<>();
    for (String part : new String[] {NORM, IN_PROJ, CONV, SCAN, GATE_NORM, OUT_PROJ, HEAD}) {
      parts.put(part, NOTHING);
    }
    tensorsRead(model)
        .forEach(tensor -> parts.merge(partOf(tensor.name()), weights(tensor), StepWork::plus));
    Mamba2Config config = model.mamba2().config();
    long convolved = (long) config.layers() * config.channels();
    long scanned = config.layers() * config.scanStateSize();
    long convState = 4L * config.layers() * config.convStateSize();
    long scanState = config.stateBytes() - convState;
    parts.merge(
        CONV,
        new StepWork(2 * convState, Map.of(), 2 * convolved * config.convWidth()),
        StepWork::plus);
    parts.merge(
        SCAN, new StepWork(2 * scanState, Map.of(), 2 * SCAN_STEPS * scanned), StepWork::plus);
    return parts;
  }

  /** The tensors that a token reads whole: of the embedding one row, unless it is the head too. */
  static Stream<GgufTensor> tensorsRead(LanguageModel model) {
    boolean tied = model.file().tensor("output.weight").isEmpty();
    return model.file().tensors().stream()
        .filter(tensor -> tied || !tensor.name().equals("token_embd.weight"));
  }

  private static StepWork weights(GgufTensor tensor) {
    boolean matrix = isMatrix(tensor.name());
    return new StepWork(
        tensor.info().byteSize(),
        matrix ? Map.of(tensor.type(), 2 * tensor.info().elements()) : Map.of(),
        0);
  }

  private static boolean isMatrix(String name) {
    return name.equals("token_embd.weight")
        || name.equals("output.weight")
        || name.endsWith(".ssm_in.weight")
        || name.endsWith(".ssm_out.weight");
  }

  private static String partOf(String tensor) {
    if (!tensor.startsWith("blk.")) {
      return HEAD; // the head or what stands in for it, and its norm
    }
    return switch (tensor.substring(tensor.indexOf('.', "blk.".length()) + 1)) {
      case "attn_norm.weight" -> NORM;
      case "ssm_in.weight" -> IN_PROJ;
      case "ssm_conv1d.weight", "ssm_conv1d.bias" -> CONV;
      case "ssm_norm.weight" -> GATE_NORM;
      case "ssm_out.weight" -> OUT_PROJ;
      default -> SCAN;
    };
  }
}
