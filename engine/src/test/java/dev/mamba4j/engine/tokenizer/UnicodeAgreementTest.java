package dev.mamba4j.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every code point of an alphabet, and samples of the rest, has the class and the normalization
 * that it has in the Hugging Face library. Asked of a vocabulary made for it: bytes, and the merges
 * of "a", "1" or "!" with a byte. So a letter behind "a" is seen by its merge.
 */
class UnicodeAgreementTest {
  private static final int PER_TEXT = 100;

  @TempDir Path folder;

  @Test
  void classifiesEveryCodePointAlike() throws IOException {
    assertAgreement(null, c -> "a%1$s\n1%1$s\n!%1$s\n \n%1$s\n".formatted(Character.toString(c)));
  }

  @Test
  void normalizesEveryCodePointAlike() throws IOException {
    // Marks of classes 1, 240, 220 and 230 around it show its own class; U+0307 composes.
    assertAgreement(
        Map.of("type", "NFC"),
        c ->
            "z%1$s\u0334\nz\u0345%1$s\nz\u0316%1$s\nz%1$s\u0301\n%1$s\u0307\n"
                .formatted(Character.toString(c)));
  }

  private void assertAgreement(Map<String, Object> normalizer, IntFunction<String> probe)
      throws IOException {
    Path json = folder.resolve("tokenizer.json");
    Files.writeString(json, Json.write(tokenizerJson(normalizer)));
    Tokenizer ours = Tokenizer.of(TokenizerData.fromHuggingFace(json));
    int[] codePoints =
        IntStream.range(0, 0x110000)
            .filter(c -> c < 0xD800 || c > 0xDFFF)
            // Of those that are like their neighbours a part will do.
            .filter(c -> isDescribed(c) || c % 61 == 0)
            .toArray();
    try (HuggingFace theirs = new HuggingFace(json)) {
      for (int at = 0; at < codePoints.length; at += PER_TEXT) {
        StringBuilder text = new StringBuilder();
        IntStream.of(codePoints).skip(at).limit(PER_TEXT).forEach(c -> text.append(probe.apply(c)));
        assertThat(ours.encode(text, true))
            .as("tokens around U+%04X", codePoints[at])
            .containsExactly(theirs.encode(text.toString()));
      }
    }
  }

  private static boolean isDescribed(int codePoint) {
    return Character.isDefined(codePoint)
        && Character.getType(codePoint) != Character.PRIVATE_USE
        && !Character.isIdeographic(codePoint)
        && Character.UnicodeScript.of(codePoint) != Character.UnicodeScript.HANGUL;
  }

  private static Map<String, Object> tokenizerJson(Map<String, Object> normalizer) {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    List<String> merges = new ArrayList<>();
    for (int value = 0; value < 256; value++) {
      vocabulary.put(Character.toString(ByteAlphabet.character(value)), value);
    }
    for (String first : List.of("a", "1", "!")) {
      for (int value = 0; value < 256; value++) {
        String second = Character.toString(ByteAlphabet.character(value));
        vocabulary.put(first + second, vocabulary.size());
        merges.add(first + " " + second);
      }
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("version", "1.0");
    json.put("added_tokens", List.of());
    json.put("normalizer", normalizer);
    json.put("pre_tokenizer", byteLevel());
    json.put("post_processor", null);
    json.put("decoder", byteLevel());
    json.put("model", Map.of("type", "BPE", "vocab", vocabulary, "merges", merges));
    return json;
  }

  private static Map<String, Object> byteLevel() {
    return Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true);
  }
}
