package dev.mamba4j.compress.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.compress.allocation.Allocator.Option;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The knapsack against trying every choice. */
class AllocatorTest {
  private static List<List<Option>> tensors(long seed) {
    Random random = new Random(seed);
    List<List<Option>> tensors = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      List<Option> options = new ArrayList<>();
      double loss = random.nextDouble();
      long bytes = 2000L + random.nextInt(3000);
      for (int o = 0; o < 4; o++) {
        options.add(new Option(TensorType.Q4_K, bytes, loss));
        bytes -= 300 + random.nextInt(100);
        loss *= 2 + random.nextDouble();
      }
      tensors.add(options);
    }
    return tensors;
  }

  private static long bytes(List<List<Option>> tensors, int[] choice) {
    long sum = 0;
    for (int i = 0; i < choice.length; i++) {
      sum += tensors.get(i).get(choice[i]).bytes();
    }
    return sum;
  }

  private static double loss(List<List<Option>> tensors, int[] choice) {
    double sum = 0;
    for (int i = 0; i < choice.length; i++) {
      sum += tensors.get(i).get(choice[i]).loss();
    }
    return sum;
  }

  /** All choices, counted in base 4. */
  private static List<int[]> all() {
    List<int[]> all = new ArrayList<>();
    for (int number = 0; number < 1 << 10; number++) {
      int[] choice = new int[5];
      for (int i = 0; i < 5; i++) {
        choice[i] = (number >> (2 * i)) & 3;
      }
      all.add(choice);
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void findsTheLeastLossWithinALimit(long seed) {
    List<List<Option>> tensors = tensors(seed);
    long least = bytes(tensors, new int[] {3, 3, 3, 3, 3});
    for (long limit = least; limit < least + 6000; limit += 97) {
      long most = limit;
      double expected =
          all().stream()
              .filter(choice -> bytes(tensors, choice) <= most)
              .mapToDouble(choice -> loss(tensors, choice))
              .min()
              .orElseThrow();
      int[] found = Allocator.choose(tensors, limit).orElseThrow();
      assertThat(bytes(tensors, found)).isLessThanOrEqualTo(limit);
      assertThat(loss(tensors, found)).isCloseTo(expected, within(1e-12));
    }
    assertThat(Allocator.choose(tensors, least - 1)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {6, 7, 8})
  void findsTheFewestBytesWithinALoss(long seed) {
    List<List<Option>> tensors = tensors(seed);
    double worst = loss(tensors, new int[] {3, 3, 3, 3, 3});
    for (double share : new double[] {0.2, 0.5, 0.9}) {
      double bound = share * worst;
      long expected =
          all().stream()
              .filter(choice -> loss(tensors, choice) <= bound)
              .mapToLong(choice -> bytes(tensors, choice))
              .min()
              .orElseThrow();
      int[] found = Allocator.smallest(tensors, bound);
      assertThat(loss(tensors, found)).isLessThanOrEqualTo(bound);
      assertThat(bytes(tensors, found)).isEqualTo(expected);
    }
  }

  @Test
  void keepsToTheLimitWhereStepsAreLarge() {
    long scale = 10_000_000; // tens of gigabytes, in steps of a megabyte
    List<List<Option>> tensors =
        tensors(9).stream()
            .map(
                options ->
                    options.stream()
                        .map(o -> new Option(o.type(), o.bytes() * scale, o.loss()))
                        .toList())
            .toList();
    long limit = bytes(tensors, new int[] {2, 2, 2, 2, 2});
    int[] found = Allocator.choose(tensors, limit).orElseThrow();
    assertThat(bytes(tensors, found)).isBetween((long) (0.9 * limit), limit);
  }

  @Test
  void exchangesAreTriedOnceAndKeepToTheRoom() throws Exception {
    List<List<Option>> tensors = tensors(10);
    int[] now = {2, 2, 2, 2, 2};
    Exchanges exchanges = new Exchanges(tensors);
    List<List<Integer>> seen = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Optional<int[]> next = exchanges.next(now, 0, choice -> true);
      if (next.isEmpty()) {
        break;
      }
      assertThat(bytes(tensors, next.get())).isLessThanOrEqualTo(bytes(tensors, now));
      List<Integer> key = Arrays.stream(next.get()).boxed().toList();
      assertThat(seen).doesNotContain(key);
      seen.add(key);
    }
    assertThat(exchanges.next(now, 0, choice -> false)).isEmpty();
  }

  /** Losing sight of the best choice because sizes are coarse would cost a model dearly. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void findsTheLeastLossThatFitsInAFile(long seed) throws IOException {
    List<List<Option>> tensors = tensors(seed);
    Allocator.FileSize size = choice -> bytes(tensors, choice) + 1300 + 7L * (choice[0] % 2);
    long least = size.of(new int[] {3, 3, 3, 3, 3});
    for (long limit = least; limit < least + 6000; limit += 97) {
      long forTensors = limit - 1307;
      double expected =
          all().stream()
              .filter(choice -> bytes(tensors, choice) <= forTensors)
              .mapToDouble(choice -> loss(tensors, choice))
              .min()
              .orElseThrow();
      int[] found = Allocator.chooseFile(tensors, limit, size);
      assertThat(size.of(found)).isLessThanOrEqualTo(limit);
      assertThat(loss(tensors, found)).isLessThanOrEqualTo(expected + 1e-12);
    }
  }
}
