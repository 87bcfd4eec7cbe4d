package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.tensor.TensorType;
import java.util.EnumMap;
import java.util.Map;

/**
 * What this machine allows a model: how fast memory is read, how fast the kernels compute with data
 * in the caches, and what follows for a token and for each part of a step.
 *
 * @param bytesPerSecond read bandwidth, see {@link ReadBandwidth}
 * @param decodeProducts operations per second of products with one vector, by type of the weights
 * @param prefillProducts likewise with as many vectors as prefill takes at once
 * @param scan operations per second of the scan
 * @param parts work of a token by part of a step
 */
public record Roofline(
    double bytesPerSecond,
    Map<TensorType, Double> decodeProducts,
    Map<TensorType, Double> prefillProducts,
    double scan,
    Map<String, StepWork> parts) {
  /**
   * Measures the arithmetic of a model's types.
   *
   * @param bytesPerSecond measured before
   */
  public static Roofline measure(LanguageModel model, double bytesPerSecond) {
    Map<String, StepWork> parts = StepWork.of(model);
    ArithmeticPeak peak = new ArithmeticPeak(model.kernels(), model.threads());
    Precision precision = model.mamba2().precision();
    Map<TensorType, Double> decode = new EnumMap<>(TensorType.class);
    Map<TensorType, Double> prefill = new EnumMap<>(TensorType.class);
    for (TensorType type : sum(parts).products().keySet()) {
      decode.put(type, peak.products(type, precision, 1));
      prefill.put(type, peak.products(type, precision, Mamba2.PASS_TOKENS));
    }
    return new Roofline(bytesPerSecond, decode, prefill, peak.scan(), parts);
  }

  private static StepWork sum(Map<String, StepWork> parts) {
    return parts.values().stream().reduce(StepWork::plus).orElseThrow();
  }

  /** What a token takes, all parts together. */
  public StepWork token() {
    return sum(parts);
  }

  /** Seconds that moving its bytes takes at least. */
  public double memorySeconds(StepWork work) {
    return work.bytes() / bytesPerSecond;
  }

  /** Seconds that its operations take at least, one token at a time. */
  public double arithmeticSeconds(StepWork work) {
    return seconds(work, decodeProducts);
  }

  private double seconds(StepWork work, Map<TensorType, Double> rates) {
    double seconds = work.scanned() / scan;
    for (Map.Entry<TensorType, Long> each : work.products().entrySet()) {
      seconds += each.getValue() / rates.get(each.getKey());
    }
    return seconds;
  }

  /** Memory and arithmetic go on side by side, so the slower decides. */
  public double boundSeconds(StepWork work) {
    return Math.max(memorySeconds(work), arithmeticSeconds(work));
  }

  /** The most tokens per second of decoding. */
  public double decodeTokensPerSecond() {
    return 1 / boundSeconds(token());
  }

  /**
   * The most tokens per second of prefill: its reading of the weights is shared by so many tokens
   * that arithmetic decides. The head, which only the last token needs, is left out.
   */
  public double prefillTokensPerSecond() {
    StepWork work =
        parts.entrySet().stream()
            .filter(part -> !part.getKey().equals(StepWork.HEAD))
            .map(Map.Entry::getValue)
            .reduce(StepWork::plus)
            .orElseThrow();
    return 1 / seconds(work, prefillProducts);
  }
}
