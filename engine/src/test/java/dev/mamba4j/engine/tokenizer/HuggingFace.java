package dev.mamba4j.engine.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.LongStream;

/**
 * The Hugging Face tokenizers library, the oracle. Its native part comes out of its jar; where that
 * cannot be loaded the tests that need it fail.
 */
final class HuggingFace implements AutoCloseable {
  static {
    // Neither downloads nor usage statistics, and nothing in the home directory.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("DJL_CACHE_DIR", Path.of("target", "djl").toAbsolutePath().toString());
  }

  private final HuggingFaceTokenizer tokenizer;

  HuggingFace(Path tokenizerJson) throws IOException {
    tokenizer =
        HuggingFaceTokenizer.builder()
            .optTokenizerPath(tokenizerJson)
            .optAddSpecialTokens(false)
            .optTruncation(false)
            .optPadding(false)
            .build();
  }

  int[] encode(String text) {
    Encoding encoding = tokenizer.encode(text, false, false);
    return LongStream.of(encoding.getIds()).mapToInt(Math::toIntExact).toArray();
  }

  String decode(int... ids) {
    long[] wide = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      wide[i] = ids[i];
    }
    return tokenizer.decode(wide, false);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
