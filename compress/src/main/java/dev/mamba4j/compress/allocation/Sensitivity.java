package dev.mamba4j.compress.allocation;

import dev.mamba4j.formats.tensor.TensorType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What each type costs one tensor, in nats of divergence of the whole model. Some types are
 * measured, the others follow from them by their {@link WeightedError}, which divergence grows
 * with: linearly between two measured types. Products with quantized weights round their inputs to
 * 8 bits, too, which costs something even where the weights are exact, more in blocks of 256 than
 * of 32: that is where the line of the types of a block size meets an error of 0.
 */
final class Sensitivity {
  private static final int LARGE_BLOCK = 256;

  private final Map<TensorType, Double> errors;
  private final Map<TensorType, Double> measured = new EnumMap<>(TensorType.class);

  /**
   * @param errors weighted error by type
   */
  Sensitivity(Map<TensorType, Double> errors) {
    this.errors = new EnumMap<>(errors);
  }

  void measured(TensorType type, double divergence) {
    measured.put(type, divergence);
  }

  /** The cost of a type; a measured one as it was measured. */
  double loss(TensorType type) {
    Double known = measured.get(type);
    return known != null ? known : weights(errors.get(type)) + inputs(type);
  }

  /** What an error of the weights costs, the inputs being exact. */
  private double weights(double error) {
    return Math.max(0, line(error) - Math.max(0, line(0)));
  }

  /** What rounding the inputs costs that products with a type take. */
  private double inputs(TensorType type) {
    if (type.blockSize() == 1) {
      return 0;
    }
    double least = Double.POSITIVE_INFINITY;
    for (Map.Entry<TensorType, Double> other : measured.entrySet()) {
      if (other.getKey().blockSize() == type.blockSize()) {
        least = Math.min(least, other.getValue() - weights(errors.get(other.getKey())));
      }
    }
    return Double.isInfinite(least) ? 0 : Math.max(0, least);
  }

  /** Divergence at an error by the measured types of one block size, the large one if there are. */
  private double line(double error) {
    List<Map.Entry<TensorType, Double>> points = points(LARGE_BLOCK);
    if (points.isEmpty()) {
      points = points(0);
    }
    if (points.size() == 1) {
      double at = errors.get(points.getFirst().getKey());
      return at > 0 ? points.getFirst().getValue() * error / at : 0;
    }
    int right = 1;
    while (right < points.size() - 1 && errors.get(points.get(right).getKey()) < error) {
      right++;
    }
    double x0 = errors.get(points.get(right - 1).getKey());
    double x1 = errors.get(points.get(right).getKey());
    double y0 = points.get(right - 1).getValue();
    double y1 = points.get(right).getValue();
    return x1 > x0 ? y0 + (y1 - y0) * (error - x0) / (x1 - x0) : y0;
  }

  /** What was measured, by growing error; only of a block size, or of all for 0. */
  private List<Map.Entry<TensorType, Double>> points(int blockSize) {
    return measured.entrySet().stream()
        .filter(entry -> blockSize == 0 || entry.getKey().blockSize() == blockSize)
        .sorted((a, b) -> Double.compare(errors.get(a.getKey()), errors.get(b.getKey())))
        .toList();
  }
}
