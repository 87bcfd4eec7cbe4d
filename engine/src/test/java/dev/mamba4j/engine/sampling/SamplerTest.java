package dev.mamba4j.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplerTest {
  /** Logits of the probabilities 0.15, 0.5, 0.05, 0.3. */
  private static final float[] FOUR = logitsOf(0.15, 0.5, 0.05, 0.3);

  private static final float INFINITY = Float.POSITIVE_INFINITY;

  @Test
  void drawsByTheProbabilitiesOfTheModel() {
    assertDistribution(unfiltered(), FOUR, 0.15, 0.5, 0.05, 0.3);
  }

  @Test
  void dividesLogitsByTheTemperature() {
    // Half the temperature squares probabilities: 0.0225, 0.25, 0.0025 and 0.09 of 0.365.
    assertDistribution(
        unfiltered().temperature(0.5),
        FOUR,
        0.0225 / 0.365,
        0.25 / 0.365,
        0.0025 / 0.365,
        0.09 / 0.365);
  }

  @Test
  void renormalizesWhatTopKLeaves() {
    assertDistribution(unfiltered().topK(2), FOUR, 0, 0.625, 0, 0.375);
  }

  @Test
  void keepsTheTokenThatReachesTopP() {
    assertDistribution(unfiltered().topP(0.75), FOUR, 0, 0.625, 0, 0.375);
    assertThat(shortlist(unfiltered().topP(0.81), FOUR)).containsExactly(0, 1, 3);
    assertThat(shortlist(unfiltered().topP(0.4), FOUR)).containsExactly(1);
    assertThat(shortlist(unfiltered().topP(0), FOUR)).containsExactly(1);
    assertThat(shortlist(unfiltered().topP(1), FOUR)).containsExactly(0, 1, 2, 3);
  }

  @Test
  void keepsProbabilitiesRelativeToTheHighestForMinP() {
    // The limit is 0.2 of 0.5.
    assertDistribution(unfiltered().minP(0.2), FOUR, 0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95);
    assertThat(shortlist(unfiltered().minP(1), FOUR)).containsExactly(1);
    assertThat(shortlist(unfiltered().minP(1), new float[] {2, 3, 3})).containsExactly(1, 2);
  }

  @Test
  void appliesTopPToWhatTopKLeft() {
    // 0.8 of all, but 0.842 of the best three.
    assertThat(shortlist(unfiltered().topP(0.83), FOUR)).containsExactly(0, 1, 3);
    assertThat(shortlist(unfiltered().topK(3).topP(0.83), FOUR)).containsExactly(1, 3);
  }

  @Test
  void appliesTemperatureAfterTheFilters() {
    // At temperature 10 the tokens are nearly equal, and neither filter would cut anything.
    SamplingOptions.Builder hot = unfiltered().temperature(10);
    assertThat(shortlist(hot.topP(0.75), FOUR)).containsExactly(1, 3);
    assertThat(shortlist(hot.topP(1).minP(0.2), FOUR)).containsExactly(0, 1, 3);
  }

  @Test
  void keepsLowerIdsOfEqualLogits() {
    float[] equal = {1, 2, 2, 2, 2, 1, -0f, 0f};
    assertThat(shortlist(unfiltered().topK(3), equal)).containsExactly(1, 2, 3);
    assertThat(shortlist(unfiltered().topK(7), equal)).containsExactly(0, 1, 2, 3, 4, 5, 6);
    assertThat(shortlist(unfiltered().topP(0.5), new float[] {7, 7, 7, 7})).containsExactly(0, 1);
    assertThat(shortlist(unfiltered().topP(0.5), new float[] {-0f, 0f, -0f, 0f}))
        .containsExactly(0, 1);
    assertThat(greedy().sample(equal, equal.length)).isEqualTo(1);
    assertThat(greedy().sample(new float[] {-0f, 0f}, 2)).isZero();
  }

  @Test
  void filtersAsTheNaiveWay() {
    Random random = new Random(1);
    for (int round = 0; round < 3000; round++) {
      float[] logits = randomLogits(random, 1 + random.nextInt(400));
      int topK = random.nextBoolean() ? 0 : 1 + random.nextInt(logits.length + 5);
      double topP = random.nextBoolean() ? 1 : random.nextDouble();
      double minP = random.nextBoolean() ? 0 : Math.pow(random.nextDouble(), 3);
      SamplingOptions.Builder options = unfiltered().topK(topK).topP(topP).minP(minP);
      assertThat(shortlist(options, logits))
          .as("round %d, top-k %d, top-p %s, min-p %s", round, topK, topP, minP)
          .isEqualTo(naiveShortlist(logits, topK, topP, minP));
    }
  }

  @Test
  void givesTheSameTokensForTheSameSeed() {
    Random random = new Random(2);
    float[] logits = randomLogits(random, 1000);
    SamplingOptions.Builder options =
        SamplingOptions.builder().temperature(2).topK(0).repeatPenalty(1.1).seed(42);
    int[] first = draw(new Sampler(options.build()), logits, 200);
    assertThat(draw(new Sampler(options.build()), logits, 200)).isEqualTo(first);
    assertThat(draw(new Sampler(options.seed(43).build()), logits, 200)).isNotEqualTo(first);
  }

  @Test
  void drawsWithTheNumbersOfSplitMix64() {
    // The published first five outputs for seed 1234567; of 1024 equal tokens the top ten bits
    // choose.
    long[] published = {
      6457827717110365317L,
      3203168211198807973L,
      Long.parseUnsignedLong("9817491932198370423"),
      4593380528125082431L,
      Long.parseUnsignedLong("16408922859458223821")
    };
    Sampler sampler = new Sampler(unfiltered().seed(1234567).build());
    assertThat(draw(sampler, new float[1024], 5))
        .isEqualTo(Arrays.stream(published).mapToInt(bits -> (int) (bits >>> 54)).toArray());
  }

  @Test
  void tellsTheSeedItPicked() {
    Sampler sampler = new Sampler(unfiltered().build());
    float[] logits = new float[1000];
    int[] tokens = draw(sampler, logits, 20);
    Sampler again = new Sampler(unfiltered().seed(sampler.seed()).build());
    assertThat(draw(again, logits, 20)).isEqualTo(tokens);
    assertThat(new Sampler(unfiltered().build()).seed()).isNotEqualTo(sampler.seed());
  }

  @Test
  void neverGivesPadding() {
    float[] logits = {1, 2, 3, 100, Float.NaN};
    assertThat(greedy().sample(logits, 3)).isEqualTo(2);
    assertThat(draw(new Sampler(unfiltered().temperature(100).build()), logits, 1000, 3))
        .contains(0, 1, 2)
        .doesNotContain(3, 4);
    assertThatThrownBy(() -> greedy().sample(logits, 6))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("vocabulary of 6 tokens, but 5 logits");
    assertThatThrownBy(() -> greedy().sample(logits, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void refusesLogitsThatAreNoNumbers() {
    for (Sampler sampler : List.of(greedy(), new Sampler(SamplingOptions.defaults()))) {
      assertRefused(sampler, "model gave NaN logits", 1, Float.NaN, 3);
      assertRefused(sampler, "model gave NaN logits", Float.NaN, INFINITY, -INFINITY);
      assertRefused(sampler, "a logit is infinite", 1, INFINITY, 3);
      assertRefused(
          sampler, "no token is possible: all logits are negative infinity", -INFINITY, -INFINITY);
    }
  }

  @Test
  void neverGivesATokenOfProbabilityZero() {
    float[] logits = {-INFINITY, 0, -INFINITY, -3e38f, 0, -INFINITY};
    for (SamplingOptions.Builder options :
        List.of(
            unfiltered(), unfiltered().topK(3), unfiltered().topK(5), unfiltered().topP(0.99))) {
      assertThat(draw(new Sampler(options.seed(1).build()), logits, 500)).containsOnly(1, 4);
    }
    assertThat(greedy().sample(logits, 6)).isEqualTo(1);
  }

  @Test
  void approachesGreedyAtTheSmallestTemperature() {
    Sampler sampler = new Sampler(unfiltered().temperature(Double.MIN_VALUE).build());
    assertThat(draw(sampler, FOUR, 100)).containsOnly(1);
  }

  @Test
  void penalizesByOccurrences() {
    Sampler sampler =
        new Sampler(
            greedyOptions().repeatPenalty(2).presencePenalty(0.25).frequencyPenalty(0.125).build());
    sampler.accept(0);
    sampler.accept(1);
    sampler.accept(0);
    float[] logits = {2, -1, 0.5f, -INFINITY};
    // 2 / 2 - 2 * 0.125 - 0.25 and -1 * 2 - 0.125 - 0.25.
    assertThat(sampler.adjust(logits, 4)).containsExactly(0.5f, -2.375f, 0.5f, -INFINITY);
    assertThat(logits).containsExactly(2, -1, 0.5f, -INFINITY);
  }

  @Test
  void countsWhatItGaveAndForgetsWhatIsOlderThanTheWindow() {
    float[] logits = {5, 4, 3, 2};
    Sampler two = new Sampler(greedyOptions().repeatLastN(2).presencePenalty(10).build());
    assertThat(draw(two, logits, 6)).containsExactly(0, 1, 2, 0, 1, 2);
    Sampler all = new Sampler(greedyOptions().repeatLastN(-1).presencePenalty(10).build());
    assertThat(draw(all, logits, 6)).containsExactly(0, 1, 2, 3, 0, 0);
    Sampler none = new Sampler(greedyOptions().repeatLastN(0).presencePenalty(10).build());
    assertThat(draw(none, logits, 3)).containsExactly(0, 0, 0);
  }

  @Test
  void remembersAWindowLongerThanTheFirstBuffer() {
    Sampler sampler = new Sampler(greedyOptions().repeatLastN(1000).frequencyPenalty(1).build());
    for (int i = 0; i < 2500; i++) {
      sampler.accept(i % 7);
    }
    // The last 1000 of 2500 are 1500 to 2499: token 1500 % 7 = 2 starts, and 142 rounds and 6 more.
    assertThat(sampler.adjust(new float[8], 8))
        .containsExactly(-143, -142, -143, -143, -143, -143, -143, 0);
  }

  @Test
  void takesAWindowOfAnySizeWithoutRoomForIt() {
    SamplingOptions options =
        greedyOptions().repeatLastN(Integer.MAX_VALUE).presencePenalty(10).build();
    assertThat(draw(new Sampler(options), new float[] {2, 1}, 3)).containsExactly(0, 1, 0);
  }

  @Test
  void ignoresAcceptedTokensBeyondTheVocabulary() {
    Sampler sampler = new Sampler(greedyOptions().presencePenalty(10).build());
    sampler.accept(3);
    assertThat(sampler.sample(new float[] {0, 1, 2, 3}, 3)).isEqualTo(2);
    assertThatThrownBy(() -> sampler.accept(-1)).hasMessage("token -1 is negative");
  }

  @Test
  void addsBiasesBeforePenalties() {
    Sampler sampler = new Sampler(greedyOptions().logitBias(0, 3).repeatPenalty(2).build());
    sampler.accept(0);
    assertThat(sampler.adjust(new float[] {-1, 0.9f}, 2)).containsExactly(1, 0.9f);
    Sampler ban = new Sampler(unfiltered().ban(1).build());
    assertThat(draw(ban, FOUR, 500)).contains(0, 2, 3).doesNotContain(1);
  }

  @Test
  void namesABiasOutsideTheVocabulary() {
    Sampler sampler = new Sampler(greedyOptions().logitBias(3, 1).build());
    assertThatThrownBy(() -> sampler.sample(FOUR, 3))
        .isInstanceOf(SamplingException.class)
        .hasMessage("logitBias names token 3, but the vocabulary has 3 tokens");
  }

  @Test
  void allocatesNothingInTheSteadyState() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    float[] logits = randomLogits(new Random(3), 50_000);
    for (SamplingOptions.Builder options :
        List.of(
            SamplingOptions.builder(),
            unfiltered().topK(20_000),
            unfiltered().topP(0.95).minP(0.01),
            SamplingOptions.builder().repeatPenalty(1.1).logitBias(4, 1))) {
      Sampler sampler = new Sampler(options.build());
      draw(sampler, logits, 100);
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 100; i++) {
        sampler.sample(logits, logits.length);
      }
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
    }
  }

  /** The definition, as directly as it can be said. */
  private static int[] naiveShortlist(float[] logits, int topK, double topP, double minP) {
    List<Integer> ids = new ArrayList<>(IntStream.range(0, logits.length).boxed().toList());
    ids.removeIf(id -> logits[id] == -INFINITY);
    ids.sort(Comparator.<Integer, Float>comparing(id -> -logits[id]).thenComparing(id -> id));
    if (topK > 0 && topK < ids.size()) {
      ids = ids.subList(0, topK);
    }
    double highest = logits[ids.getFirst()];
    double total = ids.stream().mapToDouble(id -> Math.exp(logits[id] - highest)).sum();
    List<Integer> kept = new ArrayList<>();
    double sum = 0;
    for (int id : ids) {
      double weight = Math.exp(logits[id] - highest);
      if (weight >= minP) {
        kept.add(id);
      }
      sum += weight;
      if (topP < 1 && sum / total >= topP) {
        break;
      }
    }
    return kept.stream().mapToInt(id -> id).sorted().toArray();
  }

  /** Pearson's test on 100,000 draws; the limit is the 0.999 quantile for 3 degrees of freedom. */
  private static void assertDistribution(
      SamplingOptions.Builder options, float[] logits, double... expected) {
    int draws = 100_000;
    int[] counts = new int[logits.length];
    for (int token : draw(new Sampler(options.seed(7).build()), logits, draws)) {
      counts[token]++;
    }
    double chiSquare = 0;
    for (int i = 0; i < counts.length; i++) {
      double mean = draws * expected[i];
      if (expected[i] == 0) {
        assertThat(counts[i]).isZero();
      } else {
        chiSquare += (counts[i] - mean) * (counts[i] - mean) / mean;
      }
    }
    assertThat(Arrays.stream(expected).sum()).isCloseTo(1, within(1e-12));
    assertThat(chiSquare).isLessThan(16.27);
  }

  private static void assertRefused(Sampler sampler, String message, float... logits) {
    assertThatThrownBy(() -> sampler.sample(logits, logits.length))
        .isInstanceOf(SamplingException.class)
        .hasMessage(message);
  }

  private static int[] draw(Sampler sampler, float[] logits, int count) {
    return draw(sampler, logits, count, logits.length);
  }

  private static int[] draw(Sampler sampler, float[] logits, int count, int vocabulary) {
    return IntStream.range(0, count).map(i -> sampler.sample(logits, vocabulary)).toArray();
  }

  private static int[] shortlist(SamplingOptions.Builder options, float[] logits) {
    return new Sampler(options.build()).shortlist(logits, logits.length);
  }

  private static Sampler greedy() {
    return new Sampler(SamplingOptions.greedy());
  }

  private static SamplingOptions.Builder greedyOptions() {
    return SamplingOptions.builder().temperature(0);
  }

  private static SamplingOptions.Builder unfiltered() {
    return SamplingOptions.builder().temperature(1).topK(0).topP(1).minP(0);
  }

  /** Some sets are smooth, some full of ties, some with impossible tokens. */
  private static float[] randomLogits(Random random, int count) {
    boolean ties = random.nextBoolean();
    boolean gaps = random.nextBoolean();
    float spread = 0.1f + 8 * random.nextFloat();
    float[] logits = new float[count];
    for (int i = 0; i < count; i++) {
      float value = (float) random.nextGaussian() * spread;
      logits[i] = ties ? Math.round(value) : value;
      if (gaps && i > 0 && random.nextInt(4) == 0) {
        logits[i] = -INFINITY;
      }
    }
    return logits;
  }

  private static float[] logitsOf(double... probabilities) {
    float[] logits = new float[probabilities.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.log(probabilities[i]);
    }
    return logits;
  }
}
