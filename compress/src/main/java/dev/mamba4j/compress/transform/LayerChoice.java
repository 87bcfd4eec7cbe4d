package dev.mamba4j.compress.transform;

import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.formats.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Finds what helps a layer. The error is that of a projection in 4 bits, the square of that of each
 * weight times the mean square of its input; a change must lessen it by {@link #LEAST_GAIN}.
 *
 * <p>Scales are {@code input^a / weight^b}, of the root mean squares of a column's input and
 * weights, for some a and b (Lin et al. 2023, arXiv 2306.00978, choose a so). Channels of a head
 * are sorted by their weights, or dealt out, so that each block gets its share of those that matter
 * much: measured, a block of alike columns does worse, since its scale cannot serve the few that
 * matter. Heads are sorted by their largest input, so that those of large inputs share the blocks
 * of 256 in which inputs are rounded.
 */
final class LayerChoice {
  private static final double LEAST_GAIN = 0.003;

  /** Weights that are looked at. */
  private static final int SAMPLE = 1 << 20;

  /** Columns that share a small scale in types of 3 bits, the smallest groups. */
  private static final int GROUP = 16;

  private static final int INPUT_BLOCK = 256;

  /** Exponents of inputs and weights. */
  private record Exponents(double input, double weight) {
    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%.2f/%.2f", input, weight);
    }
  }

  private static final Exponents NONE = new Exponents(0, 0);

  private static final List<Exponents> EXPONENTS =
      List.of(
          new Exponents(0.125, 0),
          new Exponents(0.25, 0),
          new Exponents(0.125, 0.5),
          new Exponents(0.25, 0.5),
          new Exponents(0.375, 0.5),
          new Exponents(0, 0.5),
          new Exponents(0, 1));

  private final SourceTensor in;
  private final SourceTensor out;
  private final int heads;
  private final int groups;
  private final ImportanceMatrix importance;
  private final EnumSet<TransformedModel.Kind> kinds;

  LayerChoice(
      SourceTensor in,
      SourceTensor out,
      int heads,
      int groups,
      ImportanceMatrix importance,
      EnumSet<TransformedModel.Kind> kinds) {
    this.in = in;
    this.out = out;
    this.heads = heads;
    this.groups = groups;
    this.importance = importance;
    this.kinds = kinds;
  }

  LayerTransform best() {
    Sample inSample = new Sample(in, importance);
    Sample outSample = new Sample(out, importance);
    int[] headOrder = IntStream.range(0, heads).toArray();
    int[] channels = IntStream.range(0, outSample.columns).toArray();
    String order = "as they were";
    if (kinds.contains(TransformedModel.Kind.PERMUTE) && outSample.known) {
      headOrder = headOrder(outSample);
      int[] plain = channels(headOrder, null, outSample);
      int[] sorted = channels(headOrder, i -> outSample.weight[i], outSample);
      int[] dealt = dealt(headOrder, outSample);
      channels = plain;
      order = Arrays.equals(plain, identity(plain.length)) ? order : "heads sorted";
      double least = (1 - LEAST_GAIN) * outSample.error(plain, NONE);
      if (outSample.error(sorted, NONE) < least) {
        least = outSample.error(sorted, NONE);
        channels = sorted;
        order = "sorted";
      }
      if (outSample.error(dealt, NONE) < least) {
        channels = dealt;
        order = "dealt out";
      }
    }
    Exponents inBest = exponents(inSample, identity(inSample.columns));
    Exponents outBest = exponents(outSample, channels);
    return new LayerTransform(
        inSample.scale(identity(inSample.columns), inBest),
        outSample.scale(channels, outBest),
        headOrder,
        channels,
        "scales %s and %s, channels %s".formatted(inBest, outBest, order));
  }

  private static int[] identity(int count) {
    return IntStream.range(0, count).toArray();
  }

  private Exponents exponents(Sample sample, int[] order) {
    Exponents best = NONE;
    if (kinds.contains(TransformedModel.Kind.SCALE) && sample.known) {
      double least = (1 - LEAST_GAIN) * sample.error(order, NONE);
      for (Exponents exponents : EXPONENTS) {
        double error = sample.error(order, exponents);
        if (error < least) {
          least = error;
          best = exponents;
        }
      }
    }
    return best;
  }

  /** Heads of each group by their largest input, if that helps rounding these. */
  private int[] headOrder(Sample sample) {
    int size = sample.columns / heads;
    Integer[] order = IntStream.range(0, heads).boxed().toArray(Integer[]::new);
    Comparator<Integer> byLargest =
        Comparator.comparingDouble(
            head ->
                IntStream.range(head * size, (head + 1) * size)
                    .mapToDouble(i -> sample.input[i])
                    .max()
                    .orElse(0));
    for (int group = 0; group < groups; group++) {
      Arrays.sort(order, group * heads / groups, (group + 1) * heads / groups, byLargest);
    }
    int[] sorted = Arrays.stream(order).mapToInt(Integer::intValue).toArray();
    double before = sample.inputError(channels(identity(heads), null, sample));
    double after = sample.inputError(channels(sorted, null, sample));
    return after < (1 - LEAST_GAIN) * before ? sorted : identity(heads);
  }

  /** The channels of heads in an order, those of a head sorted by a measure, or as they were. */
  private int[] channels(int[] headOrder, ToDoubleFunction<Integer> measure, Sample sample) {
    int size = sample.columns / heads;
    Integer[] order = new Integer[sample.columns];
    for (int i = 0; i < order.length; i++) {
      order[i] = headOrder[i / size] * size + i % size;
    }
    if (measure != null) {
      for (int head = 0; head < heads; head++) {
        Arrays.sort(order, head * size, (head + 1) * size, Comparator.comparingDouble(measure));
      }
    }
    return Arrays.stream(order).mapToInt(Integer::intValue).toArray();
  }

  /** The channels of each head dealt out over its groups of columns, to and fro. */
  private int[] dealt(int[] headOrder, Sample sample) {
    int size = sample.columns / heads;
    int[] sorted = channels(headOrder, i -> sample.input[i] * sample.weight[i], sample);
    if (size % GROUP != 0) {
      return sorted;
    }
    int hands = size / GROUP;
    int[] dealt = new int[sorted.length];
    for (int i = 0; i < sorted.length; i++) {
      int within = i % size;
      int round = within / hands;
      int hand = round % 2 == 0 ? within % hands : hands - 1 - within % hands;
      dealt[i - within + hand * GROUP + round] = sorted[i];
    }
    return dealt;
  }

  /** Some rows of a projection, and how large columns and inputs are. */
  private static final class Sample {
    private final int columns;
    private final int rows;
    private final float[] values; // (rows, columns)
    private final boolean known; // whether anything is known of the inputs
    private final double[] input; // (columns), root mean squares
    private final double[] weight; // (columns), likewise
    private final TensorType type;

    Sample(SourceTensor tensor, ImportanceMatrix importance) {
      columns = (int) tensor.info().columns();
      long all = tensor.info().rows();
      rows = (int) Math.min(all, Math.max(1, SAMPLE / columns));
      values = new float[rows * columns];
      float[] row = new float[columns];
      weight = new double[columns];
      for (int i = 0; i < rows; i++) {
        tensor.values().read(i * all / rows * columns, row, columns);
        System.arraycopy(row, 0, values, i * columns, columns);
        for (int c = 0; c < columns; c++) {
          weight[c] += (double) row[c] * row[c] / rows;
        }
      }
      float[] means = importance.means(tensor.name()).orElse(null);
      known = means != null;
      input = new double[columns];
      for (int c = 0; c < columns; c++) {
        weight[c] = Math.sqrt(weight[c]);
        input[c] = known ? Math.sqrt(means[c]) : 1;
      }
      type = columns % TensorType.Q4_K.blockSize() == 0 ? TensorType.Q4_K : TensorType.Q4_0;
    }

    /** Of the columns in an order; their geometric mean is 1. */
    float[] scale(int[] order, Exponents exponents) {
      float[] scale = new float[columns];
      if (exponents.equals(NONE)) {
        Arrays.fill(scale, 1);
        return scale;
      }
      double[] logs = new double[columns];
      double mean = 0;
      for (int i = 0; i < columns; i++) {
        double x = Math.log(Math.max(input[order[i]], 1e-10));
        double w = Math.log(Math.max(weight[order[i]], 1e-10));
        logs[i] = exponents.input() * x - exponents.weight() * w;
        mean += logs[i] / columns;
      }
      for (int i = 0; i < columns; i++) {
        scale[i] = (float) Math.exp(Math.clamp(logs[i] - mean, -3, 3));
      }
      return scale;
    }

    double error(int[] order, Exponents exponents) {
      if (columns % type.blockSize() != 0) {
        return 0;
      }
      float[] scale = scale(order, exponents);
      float[] means = new float[columns];
      for (int c = 0; c < columns; c++) {
        double x = input[order[c]] / scale[c];
        means[c] = (float) (x * x);
      }
      float[] changed = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        int c = i % columns;
        changed[i] = values[i - c + order[c]] * scale[c];
      }
      float[] rounded = new float[values.length];
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment bytes = arena.allocate(type.byteSize(values.length), 64);
        type.encode(changed, 0, means, bytes, 0, values.length);
        type.decode(bytes, 0, rounded, 0, values.length);
      }
      double sum = 0;
      for (int i = 0; i < values.length; i++) {
        double error = rounded[i] - changed[i];
        sum += error * error * means[i % columns];
      }
      return sum;
    }

    /** What rounding inputs costs, whose step is as large as the largest of a block. */
    double inputError(int[] order) {
      double sum = 0;
      for (int block = 0; block < columns; block += INPUT_BLOCK) {
        double largest = 0;
        double weights = 0;
        for (int i = block; i < Math.min(columns, block + INPUT_BLOCK); i++) {
          largest = Math.max(largest, input[order[i]]);
          weights += weight[order[i]] * weight[order[i]];
        }
        sum += largest * largest * weights;
      }
      return sum;
    }
  }
}
