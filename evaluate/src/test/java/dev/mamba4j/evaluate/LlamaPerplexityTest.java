package dev.mamba4j.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/**
 * What llama-perplexity printed for files of llama.cpp on 100 windows of 512 tokens. Its weights
 * are of 16 bits, so its F32 file and its F16 file hold the same model.
 */
class LlamaPerplexityTest {
  private static final Path FILES = TinyModel.shared("reference/tiny");
  private static final Path TEXT = TinyModel.shared("data/tiny/valid.txt");
  private static final String COMPRESSED = "Q4_K";

  @TempDir private static Path folder;

  static boolean filesAreThere() {
    return Files.exists(FILES) && Files.exists(TEXT);
  }

  @Test
  @EnabledIf("filesAreThere")
  void givesTheFiguresOfLlamaPerplexity() throws IOException {
    JsonObject printed = Json.read(FILES.resolve("llama-perplexity.json")).object(COMPRESSED);
    Path file = folder.resolve("base");
    try (LanguageModel model = TinyModel.open(FILES.resolve("gguf/F16.gguf"), Precision.FAST)) {
      Perplexity base =
          BaseProbabilities.write(
              file, model, Files.readString(TEXT), 512, 100, Perplexity.Progress.NONE);
      assertThat(base.value()).isCloseTo(printed.number("ppl_base", 0), withinPercentage(0.01));
      assertThat(base.tokens()).isEqualTo(25_500);
    }
    try (LanguageModel model =
            TinyModel.open(FILES.resolve("gguf/" + COMPRESSED + ".gguf"), Precision.FAST);
        BaseProbabilities base = BaseProbabilities.open(file)) {
      KlDivergence given =
          KlDivergence.measure(model, base, Integer.MAX_VALUE, KlDivergence.Progress.NONE);
      assertThat(given.base().value())
          .isCloseTo(printed.number("ppl_base", 0), withinPercentage(0.001));
      assertThat(given.perplexity().value())
          .isCloseTo(printed.number("ppl", 0), withinPercentage(0.1));
      assertThat(given.mean().value())
          .isCloseTo(printed.number("mean_kld", 0), withinPercentage(1));
      assertThat(given.divergences().percentile(99.9))
          .isCloseTo(printed.number("p999_kld", 0), withinPercentage(5));
      assertThat(given.divergences().maximum())
          .isCloseTo(printed.number("max_kld", 0), withinPercentage(10));
      assertThat(100 * given.sameTop().value())
          .isCloseTo(printed.number("same_top_percent", 0), withinPercentage(0.3));
    }
  }
}
