package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.SessionFolder;
import dev.mamba4j.engine.sampling.SamplingOptions;
import dev.mamba4j.engine.tokenizer.TokenizerData;
import dev.mamba4j.engine.tokenizer.TokenizerMetadata;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions of the small model in float32. */
class SessionTest {
  private static final ModelOptions OPTIONS = new ModelOptions(2, Precision.FAST, Optional.empty());

  @TempDir private static Path folder;
  private static Path file;

  @BeforeAll
  static void writeTheModel() throws IOException {
    file = Fixtures.write(Fixtures.checkpoint("tiny"), TensorType.F32, folder.resolve("tiny.gguf"));
  }

  /** Those of mamba2_reference.py, in float64. */
  @Test
  void greedyTokensAreThoseOfTheReference() throws IOException {
    JsonObject prompts = Json.read(Fixtures.resource("tiny/greedy.json"));
    assertThat(prompts.fields().keySet()).hasSize(5);
    try (LanguageModel model = LanguageModel.open(file, OPTIONS)) {
      for (String prompt : prompts.fields().keySet()) {
        int[] tokens = Fixtures.ids(prompts.object(prompt).list("tokens"));
        int[] greedy = Fixtures.ids(prompts.object(prompt).list("greedy"));
        assertThat(model.tokenizer().encode(prompt, false)).isEqualTo(tokens);
        try (Session session = model.newSession()) {
          session.read(tokens, PrefillListener.NONE);
          assertThat(ids(session.generate(greedy(greedy.length)).tokens()))
              .as(prompt)
              .isEqualTo(greedy);
        }
      }
    }
  }

  @Test
  void generatingInPartsIsGeneratingAtOnce() throws IOException {
    try (LanguageModel model = LanguageModel.open(file, OPTIONS);
        Session whole = model.newSession();
        Session parts = model.newSession()) {
      whole.read("Once upon a time");
      parts.read("Once upon a time");
      whole.generate(greedy(30));
      parts.generate(greedy(10));
      parts.generate(greedy(20));
      assertThat(parts.tokens()).isEqualTo(whole.tokens());
    }
  }

  @Test
  void aForkGoesOnAsTheSessionDoes() throws IOException {
    try (LanguageModel model = LanguageModel.open(file, OPTIONS);
        Session session = model.newSession()) {
      session.read("Once upon a time");
      session.generate(greedy(5));
      try (Session fork = session.fork()) {
        Generation given = fork.generate(greedy(20));
        assertThat(session.tokens()).hasSize(5 + 5);
        assertThat(session.generate(greedy(20)).tokens()).isEqualTo(given.tokens());
        assertThat(fork.tokens()).isEqualTo(session.tokens());
        assertThat(fork.logits()).isEqualTo(session.logits());
      }
    }
  }

  @Test
  void aSavedSessionGoesOnToTheLastBit() throws IOException {
    SessionFolder sessions = new SessionFolder(folder.resolve("sessions"));
    try (LanguageModel model = LanguageModel.open(file, OPTIONS);
        Session session = model.newSession()) {
      session.read("Once upon a time");
      session.generate(greedy(5));
      sessions.save(session, "tale");
      try (Session kept = sessions.open(model, "tale").orElseThrow()) {
        assertThat(kept.tokens()).isEqualTo(session.tokens());
        assertThat(kept.logits()).isEqualTo(session.logits());
        assertThat(kept.generate(greedy(20)).tokens())
            .isEqualTo(session.generate(greedy(20)).tokens());
      }
      assertThat(sessions.open(model, "other")).isEmpty();
      assertThat(sessions.list())
          .singleElement()
          .satisfies(entry -> assertThat(entry.name()).isEqualTo("tale"))
          .satisfies(entry -> assertThat(entry.tokens()).isEqualTo(5 + 5));
      assertThat(sessions.delete("tale")).isTrue();
      assertThat(sessions.list()).isEmpty();
    }
  }

  /** As after kill -9 in the middle of saving. */
  @Test
  void aSaveThatWasCutShortLeavesTheOneBefore() throws IOException {
    Path place = folder.resolve("cut");
    SessionFolder sessions = new SessionFolder(place);
    try (LanguageModel model = LanguageModel.open(file, OPTIONS);
        Session session = model.newSession()) {
      session.read("Once upon a time");
      sessions.save(session, "tale");
      byte[] whole = Files.readAllBytes(place.resolve("tale.gguf"));
      Path partial = place.resolve(".tale.gguf.partial");
      Files.write(partial, Arrays.copyOf(whole, whole.length / 2));
      Files.write(place.resolve("half.gguf"), Arrays.copyOf(whole, whole.length / 2));
      try (Session kept = sessions.open(model, "tale").orElseThrow()) {
        assertThat(kept.tokens()).isEqualTo(session.tokens());
      }
      assertThatThrownBy(() -> sessions.open(model, "half"))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("half.gguf");
      sessions.save(session, "other");
      assertThat(partial).doesNotExist();
    }
  }

  @Test
  void aCancelledReadHoldsWhatCameBeforeAndCanGoOn() throws IOException {
    int[] prompt = Fixtures.prompt();
    int[] tokens = IntStream.range(0, 200).map(i -> prompt[i % prompt.length]).toArray();
    try (LanguageModel model = LanguageModel.open(file, OPTIONS);
        Session whole = model.newSession();
        Session session = model.newSession()) {
      whole.read(tokens, PrefillListener.NONE);
      assertThat(session.read(tokens, new StopAfterFirstBlock())).isFalse();
      int read = session.tokens().size();
      assertThat(ids(session.tokens())).isEqualTo(Arrays.copyOf(tokens, read));
      assertThat(read).isBetween(1, 199);
      assertThatThrownBy(() -> session.generate(greedy(1)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("cancelled");
      session.read(Arrays.copyOfRange(tokens, read, 200), PrefillListener.NONE);
      assertThat(session.tokens()).isEqualTo(whole.tokens());
      assertThat(session.generate(greedy(10)).tokens())
          .isEqualTo(whole.generate(greedy(10)).tokens());
    }
  }

  @Test
  void readsNothingOfTokensOneOfWhichIsNone() throws IOException {
    try (LanguageModel model = LanguageModel.open(file, OPTIONS);
        Session session = model.newSession()) {
      session.read("Once upon a time");
      session.generate(greedy(3)); // the last of them is still to be read
      List<Integer> before = session.tokens();
      assertThatThrownBy(() -> session.read(new int[] {1, 4096}, PrefillListener.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("token 4096 is not in the vocabulary of 4096");
      assertThat(session.tokens()).isEqualTo(before);
    }
  }

  /** Rows of the embedding that no token has get logits too, here the largest of all. */
  @Test
  void neverSamplesPadding() throws IOException {
    Path padded = folder.resolve("padded.gguf");
    try (ModelSource source = new Padded(ModelWriter.open(Fixtures.checkpoint("tiny")))) {
      Plan plan = Plan.uniform(source, TensorType.F32);
      ModelWriter.write(source, plan, padded, ModelWriter.Progress.NONE);
    }
    try (LanguageModel model = LanguageModel.open(file, OPTIONS);
        LanguageModel same = LanguageModel.open(padded, OPTIONS);
        Session session = model.newSession();
        Session other = same.newSession()) {
      assertThat(same.mamba2().config().vocabulary()).isEqualTo(4096 + Padded.ROWS);
      assertThat(same.vocabulary()).isEqualTo(4096);
      session.read("Once upon a time");
      other.read("Once upon a time");
      assertThat(largest(other.logits())).isGreaterThanOrEqualTo(4096);
      assertThat(other.generate(greedy(20)).tokens())
          .isEqualTo(session.generate(greedy(20)).tokens());
      SamplingOptions wild = SamplingOptions.builder().temperature(5).seed(1).build();
      assertThat(other.generate(new GenerationOptions(50, wild, List.of(), true)).tokens())
          .hasSize(50)
          .allMatch(token -> token < 4096);
    }
  }

  private static int largest(float[] values) {
    return IntStream.range(0, values.length)
        .reduce((a, b) -> values[b] > values[a] ? b : a)
        .orElseThrow();
  }

  private static GenerationOptions greedy(int tokens) {
    return new GenerationOptions(tokens, SamplingOptions.greedy(), List.of(), true);
  }

  private static int[] ids(List<Integer> tokens) {
    return tokens.stream().mapToInt(Integer::intValue).toArray();
  }

  private static final class StopAfterFirstBlock implements PrefillListener {
    @Override
    public boolean progress(int done, int total) {
      return done == 0;
    }
  }

  /** A model with rows added to its embedding: the first ones times 100 and -100, in turn. */
  private record Padded(ModelSource whole) implements ModelSource {
    static final int ROWS = 16;
    private static final long WIDTH = 256;

    @Override
    public GgufMetadata metadata() {
      GgufMetadata.Builder keys = whole.metadata().toBuilder();
      try {
        TokenizerData data = TokenizerMetadata.read(whole.metadata(), "tiny").orElseThrow();
        TokenizerMetadata.write(data.paddedTo(4096 + ROWS), keys);
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
      return keys.build();
    }

    @Override
    public List<SourceTensor> tensors() {
      return whole.tensors().stream()
          .map(tensor -> tensor.name().equals("token_embd.weight") ? padded(tensor) : tensor)
          .toList();
    }

    private static SourceTensor padded(SourceTensor tensor) {
      long rows = 4096;
      GgufTensorInfo info = new GgufTensorInfo(tensor.name(), TensorType.F32, WIDTH, rows + ROWS);
      SourceTensor.Values values =
          (first, target, count) -> {
            float[] one = new float[1];
            for (int i = 0; i < count; i++) {
              long row = (first + i) / WIDTH;
              long column = (first + i) % WIDTH;
              long from = row < rows ? row : (row - rows) / 2 + 300;
              tensor.values().read(from * WIDTH + column, one, 1);
              target[i] = row < rows ? one[0] : one[0] * (row % 2 == 0 ? 100 : -100);
            }
          };
      return new SourceTensor(info, values, Optional.empty());
    }

    @Override
    public String name() {
      return whole.name();
    }

    @Override
    public void close() {
      whole.close();
    }
  }
}
