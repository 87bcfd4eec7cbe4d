package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PerplexityCommandTest {
  private static final String SAMPLE = TinyModel.CHECKPOINT.resolve("sample.txt").toString();

  /** The lines that scripts look for in what llama-perplexity prints, as it aligns them. */
  private static final List<String> LINES =
      List.of(
          "Mean PPL\\(Q\\)                   : +[0-9.]+ ± +[0-9.]+",
          "Mean PPL\\(base\\)                : +[0-9.]+ ± +[0-9.]+",
          "Cor\\(ln\\(PPL\\(Q\\)\\), ln\\(PPL\\(base\\)\\)\\): +[0-9.]+%",
          "Mean ln\\(PPL\\(Q\\)/PPL\\(base\\)\\)     : +[-0-9.]+ ± +[0-9.]+",
          "Mean PPL\\(Q\\)/PPL\\(base\\)         : +[0-9.]+ ± +[0-9.]+",
          "Mean PPL\\(Q\\)-PPL\\(base\\)         : +[-0-9.]+ ± +[0-9.]+",
          "Mean    KLD: +[0-9.]+ ± +[0-9.]+",
          "Maximum KLD: +[0-9.]+",
          "99.9%   KLD: +[0-9.]+",
          "Median  KLD: +[0-9.]+",
          " 0.1%   KLD: +[-0-9.]+",
          "Mean    Δp: +[-0-9.]+ ± [0-9.]+ %",
          "75.0%   Δp: +[-0-9.]+%",
          "RMS Δp    : +[0-9.]+ ± [0-9.]+ %",
          "Same top p: +[0-9.]+ ± [0-9.]+ %");

  @TempDir private Path folder;

  private static Outcome perplexity(Path model, String... options) {
    String[] all = new String[options.length + 3];
    all[0] = "perplexity";
    all[1] = "-m";
    all[2] = model.toString();
    System.arraycopy(options, 0, all, 3, options.length);
    return Outcome.of(all);
  }

  @Test
  void printsTheLinesOfLlamaPerplexity() throws IOException {
    Path base = folder.resolve("base");
    Outcome saved =
        perplexity(
            TinyModel.F32,
            "-f",
            SAMPLE,
            "--ctx",
            "64",
            "--chunks",
            "2",
            "--kl-base",
            base.toString(),
            "--save");
    assertThat(saved.code()).as(saved.err()).isZero();
    assertThat(saved.out())
        .matches("\\[1][0-9.]+,\\[2][0-9.]+,\nFinal estimate: PPL = [0-9.]+ \\+/- [0-9.]+\n");
    assertThat(saved.err()).isEqualTo("wrote " + base + "\n");

    Outcome compared = perplexity(TinyModel.Q8_0, "--kl-base", base.toString());
    assertThat(compared.code()).as(compared.err()).isZero();
    List<String> lines = compared.out().lines().toList();
    for (String line : LINES) {
      assertThat(lines).as(line).anyMatch(each -> each.matches(line));
    }
    assertThat(lines.getFirst()).startsWith("chunk             PPL ");
    assertThat(lines.get(2)).matches("   2( +[-0-9.]+ ± +[0-9.]+( %)?){5}");
  }

  @Test
  void givesTheSameFiguresAsJson() throws IOException {
    Path base = folder.resolve("base");
    String[] save = {"-f", SAMPLE, "--ctx", "32", "--kl-base", base.toString(), "--save", "--json"};
    JsonObject saved = perplexity(TinyModel.F32, save).json();
    assertThat(saved.fields().keySet()).containsExactly("ppl", "ppl_stderr", "tokens");

    String[] compare = {"--kl-base", base.toString(), "--chunks", "3"};
    JsonObject figures =
        perplexity(TinyModel.Q8_0, compare[0], compare[1], compare[2], compare[3], "--json").json();
    assertThat(figures.integer("tokens")).isEqualTo(3 * 15);
    String text = perplexity(TinyModel.Q8_0, compare).out();
    assertThat(text)
        .contains("Mean    KLD: %10.6f ±".formatted(figures.number("mean_kld", -1)))
        .contains("Maximum KLD: %10.6f\n".formatted(figures.number("max_kld", -1)))
        .contains("99.9%%   KLD: %10.6f\n".formatted(figures.number("p999_kld", -1)))
        .contains("Median  KLD: %10.6f\n".formatted(figures.number("median_kld", -1)))
        .contains(" 5.0%%   Δp: %6.3f%%\n".formatted(100 * figures.number("p05_dp", -1)))
        .contains("Same top p: %6.3f ±".formatted(100 * figures.number("same_top", -1)));
  }

  @Test
  void refusesABaseThatIsCutShort() throws IOException {
    Path base = folder.resolve("base");
    perplexity(
        TinyModel.F32, "-p", "a ".repeat(20), "--ctx", "8", "--kl-base", base.toString(), "--save");
    byte[] bytes = Files.readAllBytes(base);
    Files.write(base, Arrays.copyOf(bytes, bytes.length / 2));
    Outcome outcome = perplexity(TinyModel.F32, "--kl-base", base.toString());
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains(base + ": expected " + bytes.length + " bytes");
  }

  @Test
  void asksForMoreText() {
    Outcome outcome = perplexity(TinyModel.F32, "-p", "Once upon a time");
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("a window takes 512");
  }

  @Test
  void leavesNoFileOfATextThatIsTooShort() throws IOException {
    Path base = folder.resolve("base");
    perplexity(TinyModel.F32, "-p", "Once", "--kl-base", base.toString(), "--save").isOneLine(1);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }
}
