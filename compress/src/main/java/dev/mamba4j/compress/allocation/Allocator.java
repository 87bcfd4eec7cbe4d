package dev.mamba4j.compress.allocation;

import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Chooses a type for each tensor: the sum of losses is least while the sum of bytes stays within a
 * limit. This is a knapsack problem with one choice out of each class, solved by dynamic
 * programming over bytes, which are rounded up to at most {@link #STEPS} steps.
 */
final class Allocator {
  private static final int STEPS = 1 << 15;

  private Allocator() {}

  /**
   * One way to store a tensor.
   *
   * @param bytes that it takes in the file
   * @param loss what it costs, 0 or more
   */
  record Option(TensorType type, long bytes, double loss) {}

  /**
   * The best choice: for each tensor the index of an option.
   *
   * @param tensors the options of each, at least one
   * @return empty if even the smallest options take more than the limit
   */
  static Optional<int[]> choose(List<List<Option>> tensors, long limit) {
    long least = tensors.stream().mapToLong(Allocator::smallest).sum();
    if (least > limit) {
      return Optional.empty();
    }
    // Steps beyond the smallest options; rounding up keeps within the limit.
    long room = limit - least;
    long step = Math.max(1, (room + STEPS - 1) / STEPS);
    int steps = (int) (room / step);
    double[] best = new double[steps + 1]; // least loss within so many steps
    List<byte[]> chosen = new ArrayList<>();
    for (List<Option> options : tensors) {
      double[] next = new double[steps + 1];
      Arrays.fill(next, Double.POSITIVE_INFINITY);
      byte[] choice = new byte[steps + 1];
      for (int o = 0; o < options.size(); o++) {
        long cost = (options.get(o).bytes() - smallest(options) + step - 1) / step;
        for (int s = (int) Math.min(cost, steps + 1L); s <= steps; s++) {
          double loss = best[s - (int) cost] + options.get(o).loss();
          if (loss < next[s]) {
            next[s] = loss;
            choice[s] = (byte) o;
          }
        }
      }
      best = next;
      chosen.add(choice);
    }
    return Optional.of(trace(tensors, chosen, step, steps));
  }

  /** The size of the file that a choice gives. */
  @FunctionalInterface
  interface FileSize {
    long of(int[] choice) throws IOException;
  }

  /**
   * The best choice whose file is not larger than a limit; what a file holds besides the tensors
   * depends on the choice a little.
   *
   * @return the smallest options where even those take more
   */
  static int[] chooseFile(List<List<Option>> tensors, long limit, FileSize size)
      throws IOException {
    long forTensors = limit;
    while (true) {
      Optional<int[]> choice = choose(tensors, forTensors);
      if (choice.isEmpty()) {
        return tensors.stream().mapToInt(Allocator::indexOfSmallest).toArray();
      }
      long excess = size.of(choice.get()) - limit;
      if (excess <= 0) {
        return choice.get();
      }
      // From what this choice takes, not from what it was allowed to: that may be much more.
      forTensors = bytes(tensors, choice.get()) - excess;
    }
  }

  private static long bytes(List<List<Option>> tensors, int[] choice) {
    long sum = 0;
    for (int i = 0; i < choice.length; i++) {
      sum += tensors.get(i).get(choice[i]).bytes();
    }
    return sum;
  }

  private static int indexOfSmallest(List<Option> options) {
    return IntStream.range(0, options.size())
        .boxed()
        .min(Comparator.comparingLong(i -> options.get(i).bytes()))
        .orElseThrow();
  }

  /**
   * The fewest bytes whose sum of losses is at most this; the largest options if none is that good.
   */
  static int[] smallest(List<List<Option>> tensors, double loss) {
    long low = tensors.stream().mapToLong(Allocator::smallest).sum();
    long high = tensors.stream().mapToLong(Allocator::largest).sum();
    int[] best = choose(tensors, high).orElseThrow();
    while (low < high) {
      long middle = low + (high - low) / 2;
      int[] chosen = choose(tensors, middle).orElseThrow();
      if (loss(tensors, chosen) <= loss) {
        best = chosen;
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return best;
  }

  private static double loss(List<List<Option>> tensors, int[] chosen) {
    double sum = 0;
    for (int i = 0; i < chosen.length; i++) {
      sum += tensors.get(i).get(chosen[i]).loss();
    }
    return sum;
  }

  private static int[] trace(
      List<List<Option>> tensors, List<byte[]> chosen, long step, int steps) {
    int[] result = new int[tensors.size()];
    int left = steps;
    for (int i = result.length - 1; i >= 0; i--) {
      List<Option> options = tensors.get(i);
      result[i] = chosen.get(i)[left];
      left -= (int) ((options.get(result[i]).bytes() - smallest(options) + step - 1) / step);
    }
    return result;
  }

  private static long largest(List<Option> options) {
    return options.stream().mapToLong(Option::bytes).max().orElseThrow();
  }

  private static long smallest(List<Option> options) {
    return options.stream().mapToLong(Option::bytes).min().orElseThrow();
  }
}
