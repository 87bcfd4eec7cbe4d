package dev.mamba4j.compress.allocation;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Proposes neighbours of a choice: one tensor gets another type, or two do, so that the predicted
 * loss falls or grows little. What was proposed once is not proposed again.
 */
final class Exchanges {
  /** How much more than now a proposal may be predicted to lose: predictions are not exact. */
  private static final double TOLERANCE = 0.1;

  /** How far the second tensor moves in the order of sizes. */
  private static final int REACH = 2;

  private final List<List<Allocator.Option>> options;
  private final double[][] losses; // of each option of each tensor, as far as is known
  private final Set<List<Integer>> proposed = new HashSet<>();

  Exchanges(List<List<Allocator.Option>> options) {
    this.options = options;
    losses =
        options.stream()
            .map(all -> all.stream().mapToDouble(Allocator.Option::loss).toArray())
            .toArray(double[][]::new);
  }

  /** Whether a choice keeps to the limit, to the byte. */
  interface Fits {
    boolean test(int[] choice) throws IOException;
  }

  /** Tensor a gets option toA, b gets toB; b is a where only one changes. */
  private record Proposal(int a, int toA, int b, int toB, double loss) {
    int[] of(int[] now) {
      int[] choice = now.clone();
      choice[b] = toB;
      choice[a] = toA;
      return choice;
    }
  }

  /**
   * The most promising neighbour that has not been proposed, or empty if none is left.
   *
   * @param room bytes that the choice leaves to the limit
   */
  Optional<int[]> next(int[] now, long room, Fits fits) throws IOException {
    proposed.add(key(now));
    List<Proposal> proposals = proposals(now, room);
    proposals.sort((x, y) -> Double.compare(x.loss(), y.loss()));
    for (Proposal proposal : proposals) {
      int[] choice = proposal.of(now);
      if (!proposed.contains(key(choice)) && fits.test(choice)) {
        proposed.add(key(choice));
        return Optional.of(choice);
      }
    }
    return Optional.empty();
  }

  /** Takes into account what a proposal did: the types that it brought in are to blame. */
  void learn(int[] before, int[] after, double change) {
    double predicted = 0;
    int changed = 0;
    for (int i = 0; i < before.length; i++) {
      predicted += losses[i][after[i]] - losses[i][before[i]];
      changed += before[i] == after[i] ? 0 : 1;
    }
    for (int i = 0; i < before.length; i++) {
      if (before[i] != after[i]) {
        losses[i][after[i]] += (change - predicted) / changed;
      }
    }
  }

  private List<Proposal> proposals(int[] now, long room) {
    double most = 0;
    for (int i = 0; i < now.length; i++) {
      most += TOLERANCE * losses[i][now[i]];
    }
    List<Proposal> proposals = new ArrayList<>();
    for (int a = 0; a < now.length; a++) {
      for (int toA = 0; toA < options.get(a).size(); toA++) {
        if (toA == now[a]) {
          continue;
        }
        double loss = losses[a][toA] - losses[a][now[a]];
        long bytes = option(a, toA).bytes() - option(a, now[a]).bytes();
        if (loss <= most && bytes <= room) {
          proposals.add(new Proposal(a, toA, a, toA, loss));
        }
        for (int b = 0; b < now.length; b++) {
          int last = Math.min(options.get(b).size() - 1, now[b] + REACH);
          for (int toB = Math.max(0, now[b] - REACH); b != a && toB <= last; toB++) {
            double both = loss + losses[b][toB] - losses[b][now[b]];
            long together = bytes + option(b, toB).bytes() - option(b, now[b]).bytes();
            if (toB != now[b] && both <= most && together <= room) {
              proposals.add(new Proposal(a, toA, b, toB, both));
            }
          }
        }
      }
    }
    return proposals;
  }

  private Allocator.Option option(int tensor, int index) {
    return options.get(tensor).get(index);
  }

  private static List<Integer> key(int[] choice) {
    return Arrays.stream(choice).boxed().toList();
  }
}
