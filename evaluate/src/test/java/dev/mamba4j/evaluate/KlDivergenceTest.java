package dev.mamba4j.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The file of a base's predictions, and divergences by their definition over single steps. */
class KlDivergenceTest {
  private static final int WINDOW = 16;
  private static final int WINDOWS = 3;
  private static final int SCORED = 7; // of a window: the tokens 9 to 15

  @TempDir private static Path folder;
  private static LanguageModel model;
  private static LanguageModel other;
  private static Path file;
  private static Perplexity perplexity;
  private static int[] tokens;

  @BeforeAll
  static void writeABase() throws IOException {
    model = TinyModel.open(folder, TensorType.F32);
    other = TinyModel.open(folder, TensorType.Q8_0);
    String text = Files.readString(TinyModel.CHECKPOINT.resolve("sample.txt")).substring(0, 900);
    tokens = Arrays.copyOf(model.tokenizer().encode(text, false), WINDOWS * WINDOW);
    file = folder.resolve("tiny.base");
    perplexity =
        BaseProbabilities.write(file, model, text, WINDOW, WINDOWS, Perplexity.Progress.NONE);
  }

  @AfterAll
  static void close() {
    model.close();
    other.close();
  }

  @Test
  void writesTheFileThatLlamaPerplexityReads() throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] magic = new byte[8];
    bytes.get(magic);
    assertThat(magic).isEqualTo("_logits_".getBytes(StandardCharsets.US_ASCII));
    int vocabulary = model.mamba2().config().vocabulary();
    assertThat(new int[] {bytes.getInt(), bytes.getInt(), bytes.getInt()})
        .containsExactly(WINDOW, vocabulary, WINDOWS);
    int[] kept = new int[WINDOWS * WINDOW];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = bytes.getInt();
    }
    assertThat(kept).isEqualTo(tokens);
    for (int w = 0; w < WINDOWS; w++) {
      double[][] expected = TinyModel.probabilities(model, window(w));
      for (int row = 0; row < SCORED; row++) {
        checkRow(bytes, expected[WINDOW / 2 + row]);
      }
    }
    assertThat(bytes.hasRemaining()).isFalse();
  }

  private static int[] window(int number) {
    return Arrays.copyOfRange(tokens, number * WINDOW, (number + 1) * WINDOW);
  }

  private static void checkRow(ByteBuffer bytes, double[] expected) {
    float scale = bytes.getFloat();
    float lowest = bytes.getFloat();
    double highest = Math.log(Arrays.stream(expected).max().orElseThrow());
    assertThat(lowest).isGreaterThan((float) highest - 16.001f);
    assertThat(lowest + 65535 * scale).isCloseTo((float) highest, within(1e-3f));
    for (double probability : expected) {
      float kept = lowest + scale * Short.toUnsignedInt(bytes.getShort());
      double logarithm = Math.max(Math.log(probability), lowest);
      assertThat((double) kept).isCloseTo(logarithm, within(scale / 2 + 1e-3));
    }
  }

  @Test
  void measuresThePerplexityOnTheWay() throws IOException {
    String text = Files.readString(TinyModel.CHECKPOINT.resolve("sample.txt")).substring(0, 900);
    assertThat(perplexity)
        .isEqualTo(Perplexity.measure(model, text, WINDOW, WINDOWS, Perplexity.Progress.NONE));
  }

  @Test
  void addsUpDivergencesAsTheyAreDefined() throws IOException {
    List<Double> divergences = new ArrayList<>();
    List<Double> changes = new ArrayList<>();
    int same = 0;
    for (int w = 0; w < WINDOWS; w++) {
      double[][] base = TinyModel.probabilities(model, window(w));
      double[][] compressed = TinyModel.probabilities(other, window(w));
      for (int i = WINDOW / 2; i < WINDOW - 1; i++) {
        double sum = 0;
        for (int k = 0; k < base[i].length; k++) {
          sum += base[i][k] * Math.log(base[i][k] / compressed[i][k]);
        }
        divergences.add(sum);
        changes.add(compressed[i][window(w)[i + 1]] - base[i][window(w)[i + 1]]);
        same += best(base[i]) == best(compressed[i]) ? 1 : 0;
      }
    }

    KlDivergence given = measure(other);
    assertThat(given.divergences().maximum())
        .isCloseTo(divergences.stream().max(Double::compare).orElseThrow(), within(1e-4));
    checkMean(given.mean(), divergences, 2e-5);
    checkMean(given.meanChange(), changes, 2e-5);
    double square = changes.stream().mapToDouble(x -> x * x).average().orElseThrow();
    assertThat(given.rmsChange().value()).isCloseTo(Math.sqrt(square), within(2e-5));
    assertThat(given.sameTop().value()).isEqualTo(same / (double) (SCORED * WINDOWS));
  }

  private static void checkMean(Estimate given, List<Double> expected, double bound) {
    double mean = expected.stream().mapToDouble(x -> x).average().orElseThrow();
    double variance =
        expected.stream().mapToDouble(x -> (x - mean) * (x - mean)).average().orElseThrow();
    assertThat(given.value()).isCloseTo(mean, within(bound));
    assertThat(given.standardError())
        .isCloseTo(Math.sqrt(variance / (expected.size() - 1)), within(bound));
  }

  private static int best(double[] probabilities) {
    int best = 0;
    for (int i = 1; i < probabilities.length; i++) {
      best = probabilities[i] > probabilities[best] ? i : best;
    }
    return best;
  }

  private static KlDivergence measure(LanguageModel compared) throws IOException {
    try (BaseProbabilities base = BaseProbabilities.open(file)) {
      return KlDivergence.measure(compared, base, Integer.MAX_VALUE, KlDivergence.Progress.NONE);
    }
  }

  @Test
  void comparesPerplexities() throws IOException {
    KlDivergence given = measure(other);
    double ratio = given.perplexity().value() / given.base().value();
    assertThat(given.base().value()).isCloseTo(perplexity.value(), within(0.002));
    assertThat(given.logRatio().value()).isCloseTo(Math.log(ratio), within(1e-12));
    assertThat(given.ratio().value()).isCloseTo(ratio, within(1e-12));
    assertThat(given.difference().value())
        .isCloseTo(given.perplexity().value() - given.base().value(), within(1e-9));
    assertThat(given.correlation()).isBetween(0.99, 1.0);
    // The error of the difference, to first order, from that of the logarithm of the ratio.
    assertThat(given.difference().standardError())
        .isCloseTo(given.base().value() * given.logRatio().standardError(), within(0.2));
  }

  @Test
  void findsNoDivergenceFromItself() throws IOException {
    KlDivergence given = measure(model);
    assertThat(given.mean().value()).isCloseTo(0, within(1e-5));
    assertThat(given.sameTop().value()).isEqualTo(1);
  }

  @Test
  void interpolatesBetweenSamples() {
    double[] samples = {4, 1, 3, 2};
    Distribution distribution = Distribution.of(samples);
    assertThat(distribution.minimum()).isEqualTo(1);
    assertThat(distribution.median()).isEqualTo(2.5);
    assertThat(distribution.percentile(90)).isCloseTo(3.7, within(1e-12));
    assertThat(distribution.maximum()).isEqualTo(4);
  }

  @Test
  void refusesWhatIsNoSuchFile() throws IOException {
    Path text = Files.writeString(folder.resolve("text"), "Once upon a time there was a base.");
    refuses(text, "expected a file of llama-perplexity's --kl-divergence-base");
    refuses(Files.createFile(folder.resolve("empty")), "begins with _logits_");
  }

  @Test
  void refusesAFileThatIsCutShort() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(bytes, bytes.length - 1));
    refuses(cut, "expected " + bytes.length + " bytes", "found " + (bytes.length - 1));
  }

  @Test
  void refusesAHeaderWithoutSense() throws IOException {
    refuses(changed(8, 0), "byte 8: the window: expected 1 to 67108864, found 0");
    refuses(changed(12, -1), "byte 12: the vocabulary: expected 1 to 67108864, found -1");
    refuses(changed(16, 1 << 26), "67108864 windows of 16 tokens");
  }

  @Test
  void refusesABaseOfOtherTokens() throws IOException {
    try (BaseProbabilities base = BaseProbabilities.open(changed(20, 70_000))) {
      assertThatThrownBy(() -> KlDivergence.measure(other, base, 1, KlDivergence.Progress.NONE))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("token 0 of the text: expected an id below 4096, found 70000");
    }
  }

  private static Path changed(int offset, int value) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(offset, value);
    return Files.write(folder.resolve("changed"), bytes);
  }

  private static void refuses(Path bad, String... parts) {
    assertThatThrownBy(() -> BaseProbabilities.open(bad))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(bad.toString())
        .hasMessageContainingAll(parts);
  }
}
