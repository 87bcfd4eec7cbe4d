package dev.mamba4j.engine.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.zip.GZIPInputStream;

/**
 * The vocabulary of GPT-NeoX-20B (EleutherAI, Apache-2.0) as a resource. One line for each id, in
 * order: a letter and the token. {@code c} is a control token, {@code n} a normal one that no merge
 * makes, {@code u} a user-defined one, and {@code m} the merge "left right" that makes the token:
 * so the list of merges is in it too, since this vocabulary has its merges in the order of its ids.
 */
final class NeoXVocabulary {
  static final String RESOURCE = "gpt-neox-20b.vocabulary.gz";

  private static final OptionalInt END_OF_TEXT = OptionalInt.of(0);

  private NeoXVocabulary() {}

  static TokenizerData read() {
    List<String> tokens = new ArrayList<>();
    List<Integer> types = new ArrayList<>();
    List<String> merges = new ArrayList<>();
    try (InputStream in = NeoXVocabulary.class.getResourceAsStream(RESOURCE);
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(new GZIPInputStream(in, 1 << 16), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String text = line.substring(1);
        if (line.charAt(0) == 'm') {
          merges.add(text);
          text = text.replace(" ", "");
        }
        tokens.add(text);
        types.add(type(line.charAt(0)).id());
      }
      return TokenizerData.builder("GPT-NeoX tokenizer")
          .pre("mpt")
          .tokens(tokens, types.stream().mapToInt(Integer::intValue).toArray())
          .merges(merges)
          .bos(END_OF_TEXT)
          .eos(END_OF_TEXT)
          .unknown(END_OF_TEXT)
          .build();
    } catch (IOException e) {
      throw new UncheckedIOException("resource " + RESOURCE, e);
    }
  }

  private static TokenType type(char letter) {
    return switch (letter) {
      case 'c' -> TokenType.CONTROL;
      case 'u' -> TokenType.USER_DEFINED;
      case 'm', 'n' -> TokenType.NORMAL;
      default -> throw new IllegalStateException(RESOURCE + ": line of kind " + letter);
    };
  }
}
