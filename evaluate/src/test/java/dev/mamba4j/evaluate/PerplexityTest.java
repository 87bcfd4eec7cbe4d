package dev.mamba4j.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.engine.tokenizer.TokenizerData;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Perplexity of the small model against sums over the logits of single steps. */
class PerplexityTest {
  private static final Path TINY = TinyModel.CHECKPOINT;

  @TempDir private static Path folder;
  private static LanguageModel model;
  private static String text;

  @BeforeAll
  static void openTheModel() throws IOException {
    model = TinyModel.open(folder, TensorType.F32);
    text = Files.readString(TINY.resolve("sample.txt")).substring(0, 600);
  }

  @AfterAll
  static void closeTheModel() {
    model.close();
  }

  /**
   * As llama-perplexity has it, the tokens after the first half of a window are scored: of 16,
   * those at 9 to 15, each from the logits one before it.
   */
  @ParameterizedTest
  @ValueSource(ints = {4, 5, 16, 17, 100})
  void scoresTheSecondHalfOfEachWindow(int window) throws IOException {
    int[] tokens = model.tokenizer().encode(text, false);
    int windows = Math.min(3, tokens.length / window);
    assertThat(windows).isPositive();
    List<Double> losses = new ArrayList<>();
    for (int i = 0; i < windows; i++) {
      addLosses(tokens, i * window, window, losses);
    }
    double mean = losses.stream().mapToDouble(loss -> loss).average().orElseThrow();
    double variance =
        losses.stream().mapToDouble(loss -> (loss - mean) * (loss - mean)).average().orElseThrow();
    double error = Math.sqrt(variance / (losses.size() - 1));

    Perplexity given = Perplexity.measure(model, text, window, 3, Perplexity.Progress.NONE);
    assertThat(given.tokens()).isEqualTo(windows * (window - 1 - window / 2));
    assertThat(given.tokens()).isEqualTo(losses.size());
    assertThat(Math.log(given.value())).isCloseTo(mean, within(1e-4));
    assertThat(given.standardError() / given.value()).isCloseTo(error, within(1e-4));
  }

  private static void addLosses(int[] tokens, int from, int window, List<Double> losses) {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    try (Mamba2State state = model.mamba2().newState()) {
      for (int i = 0; i + 1 < window; i++) {
        model.mamba2().step(state, tokens[from + i], logits);
        if (i >= window / 2) {
          double sum = 0;
          for (float logit : logits) {
            sum += Math.exp(logit);
          }
          losses.add(Math.log(sum) - logits[tokens[from + i + 1]]);
        }
      }
    }
  }

  @Test
  void reportsEachWindow() throws IOException {
    List<String> reports = new ArrayList<>();
    Perplexity.measure(
        model,
        text,
        16,
        3,
        (done, total, soFar) -> reports.add(done + "/" + total + " " + soFar.tokens()));
    assertThat(reports).containsExactly("1/3 7", "2/3 14", "3/3 21");
  }

  /** llama-perplexity puts the token that begins a text in place of each window's first. */
  @Test
  void beginsEachWindowWithTheTokenThatBeginsATextIfTheModelAsksForIt() throws IOException {
    TokenizerData plain = TokenizerData.gptNeoX();
    Tokenizer tokenizer =
        Tokenizer.of(
            TokenizerData.builder("a test")
                .tokens(plain.tokens(), plain.tokenTypes())
                .model(plain.model())
                .merges(plain.merges())
                .pre(plain.pre())
                .bos(OptionalInt.of(0))
                .addBos(true)
                .build());
    int[] all = tokenizer.encodeDocument("one two three four five six seven eight", false);
    assertThat(all).startsWith(0);
    TextWindows windows =
        TextWindows.of(tokenizer, "one two three four five six seven eight", 4, 9);
    assertThat(windows.count()).isEqualTo(2);
    assertThat(windows.context(0)).containsExactly(0, all[1], all[2]);
    assertThat(windows.context(1)).containsExactly(0, all[5], all[6]);
    assertThat(windows.tokens()).isEqualTo(Arrays.copyOf(all, 8));
  }

  @Test
  void asksForALongerText() throws IOException {
    int tokens = model.tokenizer().encode("Once upon a time", false).length;
    assertThatThrownBy(
            () -> Perplexity.measure(model, "Once upon a time", 16, 3, Perplexity.Progress.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the text has %d tokens, a window takes 16; give a longer text or a smaller window"
                .formatted(tokens));
  }

  @Test
  void refusesAWindowWithNothingToScore() {
    assertThatThrownBy(() -> Perplexity.measure(model, text, 3, 3, Perplexity.Progress.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a window must have 4 tokens or more, not 3");
  }

  @Test
  void needsATokenizer() throws IOException {
    Path shape =
        TINY.resolveSibling("../compress/src/test/resources/dev/mamba4j/compress/shapes")
            .resolve("native-tied-f16");
    Path file = folder.resolve("no-tokenizer.gguf");
    try (ModelSource source = ModelWriter.open(shape)) {
      ModelWriter.write(source, Plan.lossless(source), file, ModelWriter.Progress.NONE);
    }
    try (LanguageModel without = LanguageModel.open(file, ModelOptions.defaults())) {
      assertThatThrownBy(() -> Perplexity.measure(without, text, 16, 3, Perplexity.Progress.NONE))
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(file.toString())
          .hasMessageContaining("no tokenizer");
    }
  }
}
