package dev.mamba4j.engine.tokenizer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
  private static final Path SHARED_VECTORS =
      Path.of(System.getProperty("mamba4j.root"))
          .resolveSibling("shared")
          .resolve("reference/tokenizer/gpt-neox-20b.vectors.jsonl");
  private static final Tokenizer NEOX = Tokenizer.gptNeoX();
  private static final Tokenizer TINY = tiny();

  private static Tokenizer tiny() {
    try {
      return Tokenizer.of(
          TokenizerData.fromHuggingFace(
              Path.of(System.getProperty("mamba4j.root"), "models/tiny/tokenizer.json")));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void givesTheTokensOfPublishedVectors() throws IOException {
    List<String> lines = NeoXFiles.lines("gpt-neox-20b.vectors.jsonl.gz");
    assertThat(lines).hasSize(85);
    checkVectors(lines);
  }

  /** The vectors on texts of benchmarks, which are not ours to ship. */
  @Test
  @EnabledIf("hasSharedVectors")
  void givesTheTokensOfVectorsOnBenchmarkTexts() throws IOException {
    List<String> lines = Files.readAllLines(SHARED_VECTORS);
    assertThat(lines).hasSize(2185);
    checkVectors(lines);
  }

  static boolean hasSharedVectors() {
    return Files.exists(SHARED_VECTORS);
  }

  private static void checkVectors(List<String> lines) throws IOException {
    for (String line : lines) {
      JsonObject vector = JsonObject.of("vector", Json.parse(line, "vector"));
      int[] expected = vector.list("ids").stream().mapToInt(id -> ((Long) id).intValue()).toArray();
      assertThat(NEOX.encode(vector.string("text"), true)).as(line).containsExactly(expected);
    }
  }

  @ParameterizedTest
  // The prompts and tokens of the small model's reference run.
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "Once upon a time|1953 329 622 259 559",
        "The captain looked at the sea and|437 1576 862 355 260 1472 279",
        "\"Where is my dog?\" asked the little boy.|2 2655 352 410 2189 457 755 260 543 694 14",
        "It was a cold winter morning when|703 309 259 1770 3268 1021 490",
        "The old king had three sons;|437 625 1537 343 836 263 853 27"
      })
  void givesTheTokensOfTheSmallModel(String text, String expected) {
    assertThat(TINY.encode(text, true))
        .containsExactly(Arrays.stream(expected.split(" ")).mapToInt(Integer::parseInt).toArray());
  }

  @Test
  void decodesWhatItEncodesToTheNormalizedText() {
    // Marks younger than the library's tables are where NFC itself depends on the version.
    RandomText texts =
        new RandomText(11, c -> c < 0x7F0 || Character.getType(c) != Character.NON_SPACING_MARK);
    for (int i = 0; i < 10_000; i++) {
      String text = texts.next();
      String normalized = Normalizer.normalize(text, Normalizer.Form.NFC);
      assertThat(NEOX.decode(NEOX.encode(text, false))).isEqualTo(normalized);
      assertThat(TINY.decode(TINY.encode(text, false))).isEqualTo(text);
      assertThat(TINY.decode(TINY.encode(text, true))).isEqualTo(text);
    }
  }

  @Test
  void normalizesTheTextBetweenControlTokensOnly() {
    // Together ">" and U+0338 would be U+226F.
    int[] ids = NEOX.encode("<|endoftext|>\u0338", true);
    assertThat(ids[0]).isZero();
    assertThat(NEOX.decode(ids)).isEqualTo("<|endoftext|>\u0338");
  }

  @Test
  void findsControlTokensOnlyIfAsked() {
    assertThat(NEOX.encode("a<|endoftext|>b", true)).containsExactly(66, 0, 67);
    int[] plain = NEOX.encode("a<|endoftext|>b", false);
    assertThat(plain).doesNotContain(0).hasSizeGreaterThan(3);
    assertThat(NEOX.decode(plain)).isEqualTo("a<|endoftext|>b");
  }

  @Test
  void takesUnpairedSurrogatesForReplacementCharacters() {
    for (String text : List.of("\uD83D", "a\uDE00b", "\uDE00\uD83D", "\uD83D\uD83D\uDE00")) {
      String expected = text.replaceAll("[\\uD800-\\uDFFF]", "\uFFFD");
      assertThat(TINY.decode(TINY.encode(text, true))).as(text).isEqualTo(expected);
      assertThat(NEOX.decode(NEOX.encode(text, true))).as(text).isEqualTo(expected);
    }
  }

  @Test
  void neverSamplesNorReadsPadding() throws IOException {
    Tokenizer padded = Tokenizer.of(TokenizerData.gptNeoX().paddedTo(50288));
    assertThat(padded.vocabularySize()).isEqualTo(50277);
    assertThat(padded.paddedSize()).isEqualTo(50288);
    assertThat(padded.tokenText(50280)).isEqualTo("[PAD50280]");
    assertThat(padded.decode(50277, 12092, 50287)).isEqualTo("Hello");
    assertThat(padded.encode("[PAD50280]", true)).containsExactly(NEOX.encode("[PAD50280]", true));
    assertThatThrownBy(() -> padded.decode(50288))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("token id 50288: expected 0 to 50287");
    assertThatThrownBy(() -> padded.tokenBytes(-1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void addsTheTokensThatTheFileAsksFor() throws IOException {
    TokenizerData data = bytesOnly().bos(OptionalInt.of(3)).eos(OptionalInt.of(4)).build();
    assertThat(Tokenizer.of(data).encodeDocument("!", true)).containsExactly('!');
    TokenizerData marked =
        bytesOnly().bos(OptionalInt.of(3)).eos(OptionalInt.of(4)).addBos(true).addEos(true).build();
    assertThat(Tokenizer.of(marked).encodeDocument("!", true)).containsExactly(3, '!', 4);
  }

  @Test
  void knowsItsTokens() {
    assertThat(NEOX.bos()).hasValue(0);
    assertThat(NEOX.eos()).hasValue(0);
    assertThat(NEOX.isControl(0)).isTrue();
    assertThat(NEOX.isControl(50276)).isFalse();
    assertThat(NEOX.tokenText(253)).isEqualTo("Ġthe");
    assertThat(NEOX.tokenId("Ġthe")).hasValue(253);
    assertThat(NEOX.tokenId("no such token")).isEmpty();
    assertThat(NEOX.tokenBytes(253)).isEqualTo(" the".getBytes(UTF_8));
    assertThat(NEOX.tokenBytes(50276)).isEqualTo("  ".getBytes(UTF_8));
  }

  @Test
  void streamsTheSameTextAsItDecodesAtOnce() {
    Random random = new Random(5);
    for (int i = 0; i < 5_000; i++) {
      // Random tokens of the small vocabulary are often parts of characters, right and wrong.
      int[] ids = random.ints(random.nextInt(12), 0, i % 2 == 0 ? 257 : 4096).toArray();
      StreamingDecoder decoder = TINY.streamingDecoder();
      StringBuilder text = new StringBuilder();
      for (int id : ids) {
        text.append(decoder.append(id));
      }
      assertThat(text.append(decoder.finish()).toString()).isEqualTo(TINY.decode(ids));
    }
  }

  @Test
  void streamsCharactersWholeOrNotAtAll() {
    int[] ids = TINY.encode("x🦙é", true);
    StreamingDecoder decoder = TINY.streamingDecoder();
    List<String> parts = new ArrayList<>();
    for (int id : ids) {
      parts.add(decoder.append(id));
    }
    assertThat(parts).doesNotContain("\uFFFD");
    assertThat(String.join("", parts)).isEqualTo("x🦙é");
    assertThat(decoder.finish()).isEmpty();
    decoder.append(ids[1]);
    assertThat(decoder.finish()).isEqualTo("\uFFFD");
    assertThat(decoder.append(TINY.encode("x", true)[0])).isEqualTo("x");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        " ",
        "\n",
        "😀",
        "<|endoftext|",
        "'",
        "ab",
        " a",
        "\t ",
        "é",
        "\u0301",
        "漢",
        "\u1100"
      })
  void staysQuickOnAMebibyteOfOneThing(String thing) {
    assertQuick(thing.repeat((1 << 20) / thing.length()));
  }

  @Test
  void staysQuickOnMarksInTheWrongOrder() {
    String text = "a" + "\u0301\u0316\u0F73".repeat(300_000);
    assertQuick(text);
    String shorter = "a" + "\u0301\u0316\u0F73".repeat(100);
    assertThat(NEOX.decode(NEOX.encode(shorter, true)))
        .isEqualTo(Normalizer.normalize(shorter, Normalizer.Form.NFC));
  }

  @Test
  void staysQuickOnRandomBytes() {
    byte[] bytes = new byte[1 << 20];
    new Random(1).nextBytes(bytes);
    assertQuick(new String(bytes, ISO_8859_1));
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) ('a' + (bytes[i] & 15));
    }
    assertQuick(new String(bytes, UTF_8));
  }

  private static void assertQuick(String text) {
    for (Tokenizer tokenizer : List.of(NEOX, TINY)) {
      int[] ids =
          Assertions.assertTimeoutPreemptively(
              Duration.ofSeconds(20), () -> tokenizer.encode(text, true));
      if (tokenizer == TINY) {
        assertThat(tokenizer.decode(ids).equals(text)).isTrue();
      }
    }
  }

  @Test
  void isSharedByThreads() throws Exception {
    Tokenizer shared = Tokenizer.of(TokenizerData.gptNeoX());
    RandomText texts = new RandomText(23, _ -> true);
    List<String> inputs = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      inputs.add(texts.next());
    }
    List<int[]> expected = inputs.stream().map(text -> NEOX.encode(text, true)).toList();
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<List<int[]>>> results = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        results.add(
            threads.submit(() -> inputs.stream().map(text -> shared.encode(text, true)).toList()));
      }
      for (Future<List<int[]>> result : results) {
        assertThat(result.get().toArray(int[][]::new))
            .isDeepEqualTo(expected.toArray(int[][]::new));
      }
    }
  }

  @Test
  void namesWhatItDoesNotSupport() {
    assertThatThrownBy(() -> Tokenizer.of(bytesOnly().model("llama").build()))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            "f.gguf: tokenizer.ggml.model: expected gpt2 (byte-level BPE), found \"llama\"");
    assertThatThrownBy(() -> Tokenizer.of(bytesOnly().pre("llama-bpe").build()))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            "f.gguf: tokenizer.ggml.pre: expected one of gpt-2, mpt, gpt-neox, olmo,"
                + " found \"llama-bpe\"");
  }

  @Test
  void rejectsPartsThatDoNotFitTogether() {
    assertRejected(
        bytesOnly().merges(List.of("a b")), "merge 0: expected two tokens that together");
    assertRejected(bytesOnly().merges(List.of("ab")), "merge 0: expected two tokens that together");
    assertRejected(bytesOnly().bos(OptionalInt.of(256)), "bos_token_id: expected an id below 256");
    assertRejected(bytesOnly().tokens(List.of()), "tokens: expected at least one, found none");
    assertRejected(
        bytesOnly().tokens(List.of("a"), new int[] {9}),
        "token_type of token 0: expected 1 to 6, found 9");
    assertRejected(
        bytesOnly().tokens(List.of("a"), new int[] {1, 1}),
        "token_type: expected one for each of 1 tokens, found 2");
    assertThatThrownBy(() -> bytesOnly().build().paddedTo(255))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected at most the 255 that the model has embeddings for");
  }

  private static void assertRejected(TokenizerData.Builder builder, String message) {
    assertThatThrownBy(() -> Tokenizer.of(builder.build()))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("f.gguf: ")
        .hasMessageContaining(message);
  }

  /** A vocabulary of the 256 bytes, each with its value as id. */
  private static TokenizerData.Builder bytesOnly() {
    List<String> tokens = new ArrayList<>();
    for (int value = 0; value < 256; value++) {
      tokens.add(Character.toString(ByteAlphabet.character(value)));
    }
    return TokenizerData.builder("f.gguf").pre("gpt-2").tokens(tokens);
  }
}
