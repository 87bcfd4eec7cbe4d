package dev.mamba4j.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Token for token the same as the Hugging Face tokenizers library. */
class HuggingFaceAgreementTest {
  private static final Path ROOT = Path.of(System.getProperty("mamba4j.root"));
  private static final Path SHARED_DATA = ROOT.resolveSibling("shared").resolve("data");

  @TempDir static Path folder;
  private static List<Pair> pairs;

  /** A tokenizer of ours and the library's from one file. */
  private record Pair(Tokenizer ours, HuggingFace theirs) {
    static Pair of(Path json) throws IOException {
      return new Pair(Tokenizer.of(TokenizerData.fromHuggingFace(json)), new HuggingFace(json));
    }

    void assertSame(String text) {
      int[] ids = ours.encode(text, true);
      assertThat(ids).as("tokens of \"%s\"", text).containsExactly(theirs.encode(text));
    }
  }

  @BeforeAll
  static void load() throws IOException {
    pairs =
        List.of(
            Pair.of(NeoXFiles.unpack(folder)), Pair.of(ROOT.resolve("models/tiny/tokenizer.json")));
  }

  @AfterAll
  static void close() {
    pairs.forEach(pair -> pair.theirs().close());
  }

  @Test
  void encodesRandomUnicodeAlike() {
    RandomText texts = new RandomText(20_250_601, _ -> true);
    for (int i = 0; i < 10_000; i++) {
      String text = texts.next();
      pairs.forEach(pair -> pair.assertSame(text));
    }
  }

  @Test
  void encodesLongWordsAlike() {
    Random random = new Random(41);
    for (int i = 0; i < 300; i++) {
      // Around the length from which a word is merged by a heap, and far above it.
      int length = i < 200 ? 30 + random.nextInt(40) : random.nextInt(5_000);
      int letters = 1 + random.nextInt(20);
      StringBuilder word = new StringBuilder(" ");
      random.ints(length, 0, letters).forEach(c -> word.append("etaoinshrdlucmäß漢字ьжы".charAt(c)));
      pairs.forEach(pair -> pair.assertSame(word.toString()));
    }
  }

  @Test
  void decodesRandomTokensAlike() {
    Random random = new Random(7);
    for (Pair pair : pairs) {
      for (int i = 0; i < 2_000; i++) {
        int[] ids = random.ints(random.nextInt(20), 0, pair.ours().vocabularySize()).toArray();
        assertThat(pair.ours().decode(ids)).isEqualTo(pair.theirs().decode(ids));
      }
    }
  }

  static boolean hasSharedData() {
    return Files.isDirectory(SHARED_DATA);
  }

  @Test
  @EnabledIf("hasSharedData")
  void encodesTheSharedDataAlike() throws IOException {
    try (Stream<Path> files = Files.walk(SHARED_DATA)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        parts(Files.readString(file)).parallelStream()
            .forEach(part -> pairs.forEach(pair -> pair.assertSame(part)));
      }
    }
  }

  /**
   * Stretches of some lines, for white space across lines counts too; the library is slow on long
   * ones.
   */
  private static List<String> parts(String text) {
    List<String> lines = text.lines().map(line -> line + "\n").toList();
    int size = 50;
    return IntStream.range(0, (lines.size() + size - 1) / size)
        .mapToObj(i -> lines.subList(i * size, Math.min(lines.size(), (i + 1) * size)))
        .map(part -> String.join("", part))
        .toList();
  }

  @Test
  void leavesControlTokensAsTextLikeATokenizerWithoutThem() throws IOException {
    String json = Files.readString(NeoXFiles.unpack(Files.createDirectory(folder.resolve("n"))));
    Path without = folder.resolve("without.json");
    String cut = json.replaceAll("(?s)\\{[^{}]*\"special\": true[^{}]*\\},", "");
    assertThat(cut.length()).isLessThan(json.length());
    Files.writeString(without, cut);
    RandomText texts = new RandomText(3, _ -> true);
    try (HuggingFace theirs = new HuggingFace(without)) {
      for (int i = 0; i < 1_000; i++) {
        String text = texts.next();
        assertThat(pairs.getFirst().ours().encode(text, false))
            .as("tokens of \"%s\"", text)
            .containsExactly(theirs.encode(text));
      }
    }
  }
}
