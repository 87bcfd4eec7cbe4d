package dev.mamba4j.engine.tokenizer;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * The published files of GPT-NeoX-20B's tokenizer, and the program that makes our resource from
 * them. Run in the folder of the module, with the test classes on the class path: {@code java
 * dev.mamba4j.engine.tokenizer.NeoXFiles}.
 */
final class NeoXFiles {
  private NeoXFiles() {}

  public static void main(String[] arguments) throws IOException {
    Path json = unpack(Files.createTempDirectory("neox"));
    Path target =
        Path.of("src/main/resources/dev/mamba4j/engine/tokenizer", NeoXVocabulary.RESOURCE);
    try (BufferedWriter out =
        new BufferedWriter(
            new OutputStreamWriter(
                new GZIPOutputStream(Files.newOutputStream(target)), StandardCharsets.UTF_8))) {
      out.write(vocabulary(TokenizerData.fromHuggingFace(json)));
    }
  }

  /** Unpacks {@code tokenizer.json} as EleutherAI published it. */
  static Path unpack(Path folder) throws IOException {
    Path file = folder.resolve("tokenizer.json");
    try (InputStream in = open("gpt-neox-20b.tokenizer.json.gz")) {
      Files.copy(in, file);
    }
    return file;
  }

  /** The lines of a test resource. */
  static List<String> lines(String resource) throws IOException {
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(open(resource), StandardCharsets.UTF_8))) {
      return reader.lines().toList();
    }
  }

  /** The content of our resource; its form is described at {@link NeoXVocabulary}. */
  static String vocabulary(TokenizerData data) {
    StringBuilder lines = new StringBuilder();
    Iterator<String> merges = data.merges().iterator();
    for (int id = 0; id < data.tokens().size(); id++) {
      String token = data.tokens().get(id);
      if (data.tokenType(id) == TokenType.CONTROL.id()) {
        lines.append('c').append(token);
      } else if (data.tokenType(id) == TokenType.USER_DEFINED.id()) {
        lines.append('u').append(token);
      } else if (token.length() == 1) {
        lines.append('n').append(token);
      } else {
        lines.append('m').append(merges.next());
      }
      lines.append('\n');
    }
    return lines.toString();
  }

  private static InputStream open(String resource) throws IOException {
    return new GZIPInputStream(NeoXFiles.class.getResourceAsStream(resource));
  }
}
