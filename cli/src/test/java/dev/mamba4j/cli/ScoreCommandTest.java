package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.engine.tokenizer.TokenizerMetadata;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.gguf.GgufWriter;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreCommandTest {
  private static final double BOUND = 1e-3;
  private static final int TOP = 5;

  private static String text;
  private static List<?> tokens;
  private static double[][] expected;

  @TempDir private Path folder;

  @BeforeAll
  static void readReference() throws IOException {
    JsonObject reference = TinyModel.reference("expected_logits.json");
    text = reference.string("text");
    tokens = reference.list("tokens");
    List<?> rows = reference.list("logits");
    expected = new double[rows.size()][];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = logProbabilities((List<?>) rows.get(i));
    }
  }

  private static double[] logProbabilities(List<?> logits) {
    double[] values = logits.stream().mapToDouble(x -> ((Number) x).doubleValue()).toArray();
    double sum = 0;
    for (double value : values) {
      sum += Math.exp(value);
    }
    for (int i = 0; i < values.length; i++) {
      values[i] -= Math.log(sum);
    }
    return values;
  }

  private static JsonObject score(Path model, String... options) throws IOException {
    String[] arguments = new String[options.length + 3];
    arguments[0] = "score";
    arguments[1] = "-m";
    arguments[2] = model.toString();
    System.arraycopy(options, 0, arguments, 3, options.length);
    return Outcome.of(arguments).json();
  }

  @Test
  void givesTheLogProbabilitiesOfTheReference() throws IOException {
    JsonObject result = score(TinyModel.F32, "-p", text);
    assertThat(result.fields().keySet()).containsExactly("tokens", "logprobs");
    checkLogProbabilities(result);
  }

  private static void checkLogProbabilities(JsonObject result) throws IOException {
    assertThat(result.list("tokens")).isEqualTo(tokens);
    List<?> given = result.list("logprobs");
    assertThat(given).hasSameSizeAs(tokens);
    assertThat(given.getFirst()).isNull();
    for (int i = 1; i < given.size(); i++) {
      int token = ((Long) tokens.get(i)).intValue();
      assertThat((Double) given.get(i)).isCloseTo(expected[i - 1][token], within(BOUND));
    }
  }

  @Test
  void givesTheMostProbableTokensAtEachPlaceAndAfterTheLast() throws IOException {
    JsonObject result = score(TinyModel.F32, "-p", text, "--top", "5", "--next");
    assertThat(result.fields().keySet()).containsExactly("tokens", "logprobs", "top", "next");
    checkLogProbabilities(result);
    List<?> tops = result.list("top");
    assertThat(tops).hasSameSizeAs(tokens);
    assertThat(tops.getFirst()).isNull();
    for (int i = 1; i < tops.size(); i++) {
      checkTop((List<?>) tops.get(i), expected[i - 1], TOP);
    }
    checkTop(result.list("next"), expected[expected.length - 1], TOP);
  }

  @Test
  void nextAloneGivesTen() throws IOException {
    JsonObject result = score(TinyModel.F32, "-p", text, "--next");
    assertThat(result.fields().keySet()).containsExactly("tokens", "logprobs", "next");
    checkTop(result.list("next"), expected[expected.length - 1], 10);
  }

  private static void checkTop(List<?> pairs, double[] row, int count) {
    List<Integer> best =
        IntStream.range(0, row.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer id) -> -row[id]))
            .limit(count)
            .toList();
    assertThat(pairs).hasSize(count);
    for (int i = 0; i < count; i++) {
      List<?> pair = (List<?>) pairs.get(i);
      int token = ((Long) pair.getFirst()).intValue();
      assertThat((Double) pair.getLast()).isCloseTo(row[token], within(BOUND));
      // Where two are as good as equal, either may come first.
      assertThat(row[token]).isCloseTo(row[best.get(i)], within(BOUND));
    }
  }

  @Test
  void tokensMayBeGivenInPlaceOfText() throws IOException {
    checkLogProbabilities(score(TinyModel.F32, "--tokens", commaSeparated()));
  }

  @Test
  void aModelWithoutATokenizerTakesTokens() throws IOException {
    Path bare = folder.resolve("bare.gguf");
    writeWithoutTokenizer(bare);
    checkLogProbabilities(score(bare, "--tokens", commaSeparated()));
    Outcome withText = Outcome.of("score", "-m", bare.toString(), "-p", text);
    withText.isOneLine(1);
    assertThat(withText.err()).contains("no tokenizer");
  }

  private static String commaSeparated() {
    return tokens.stream().map(Object::toString).collect(Collectors.joining(","));
  }

  private static void writeWithoutTokenizer(Path target) throws IOException {
    try (GgufFile file = GgufFile.open(TinyModel.F32)) {
      GgufMetadata.Builder keys = GgufMetadata.builder();
      file.metadata()
          .values()
          .forEach(
              (key, value) -> {
                if (!key.startsWith("tokenizer.")) {
                  keys.put(key, value);
                }
              });
      assertThat(TokenizerMetadata.read(keys.build(), "")).isEmpty();
      List<GgufTensor> tensors = file.tensors();
      try (GgufWriter writer =
          GgufWriter.create(
              target, keys.build(), tensors.stream().map(GgufTensor::info).toList())) {
        for (GgufTensor tensor : tensors) {
          writer.write(tensor.name(), tensor.data());
        }
        writer.finish();
      }
    }
  }

  @Test
  void aFileIsScoredToItsLastByte() throws IOException {
    Path file = Files.writeString(folder.resolve("text.txt"), text + "\n");
    List<?> withLineEnd = score(TinyModel.F32, "-f", file.toString()).list("tokens");
    assertThat(withLineEnd).hasSize(tokens.size() + 1);
  }

  @Test
  void oneTokenAndNoneHaveNothingToScore() throws IOException {
    JsonObject one = score(TinyModel.F32, "--tokens", "5", "--top", "2");
    assertThat(one.list("logprobs")).hasSize(1).containsOnlyNulls();
    assertThat(one.list("top")).hasSize(1).containsOnlyNulls();
    assertThat(score(TinyModel.F32, "-p", "").list("logprobs")).isEmpty();
  }

  @Test
  void aTokenOutsideTheVocabularyIsWrongUsage() {
    Outcome outcome = Outcome.of("score", "-m", TinyModel.F32.toString(), "--tokens", "1,4096");
    outcome.isOneLine(2);
    assertThat(outcome.err()).contains("4096 is not in the vocabulary of 4096");
  }
}
