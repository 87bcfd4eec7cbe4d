package dev.mamba4j.compress.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The repositories here have the names of files of real ones. */
class FileSelectionTest {

  @Test
  void takesStateSpacesCheckpoints() throws Exception {
    assertThat(select(".gitattributes", "README.md", "config.json", "pytorch_model.bin"))
        .containsExactly("config.json", "pytorch_model.bin");
  }

  @Test
  void takesOneOfSeveralFormats() throws Exception {
    assertThat(
            select(
                "config.json",
                "flax_model.msgpack",
                "generation_config.json",
                "model.safetensors",
                "pytorch_model.bin",
                "special_tokens_map.json",
                "tf_model.h5",
                "tokenizer.json",
                "tokenizer_config.json",
                "onnx/config.json",
                "gguf/x.gguf"))
        .containsExactly(
            "config.json",
            "generation_config.json",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "model.safetensors");
  }

  @Test
  void takesShardsWithTheirIndexAndNotTheSameWeightsAgain() throws Exception {
    assertThat(
            select(
                "config.json",
                "consolidated.safetensors",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
                "model.safetensors.index.json",
                "params.json"))
        .containsExactly(
            "config.json",
            "params.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json");
    assertThat(select("pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"))
        .hasSize(2);
    assertThat(select("consolidated.safetensors", "params.json")).hasSize(2);
  }

  @Test
  void takesTheTemplatesOfAllNames() throws Exception {
    assertThat(
            select(
                "additional_chat_templates/rag.jinja",
                "additional_chat_templates/README.md",
                "chat_template.jinja",
                "config.json",
                "model.safetensors"))
        .containsExactly(
            "additional_chat_templates/rag.jinja",
            "chat_template.jinja",
            "config.json",
            "model.safetensors");
  }

  @Test
  void takesALoneGgufAndAsksWhichOfSeveral() throws Exception {
    assertThat(select("README.md", "m-Q8_0.gguf")).containsExactly("m-Q8_0.gguf");
    PullFixture.assertOneLine(() -> select("config.json", "m-Q4_K.gguf", "m-Q8_0.gguf"))
        .contains("2 GGUF files", "--include", "m-Q4_K.gguf (1.5 kB), m-Q8_0.gguf (1.5 kB)");
  }

  @Test
  void saysWhatThereIsWhereNothingFits() {
    PullFixture.assertOneLine(() -> select("README.md"))
        .contains("no checkpoint", "README.md (1.5 kB)");
    PullFixture.assertOneLine(() -> select()).contains("there are: none");
    PullFixture.assertOneLine(
            () -> FileSelection.of(snapshot("a.bin"), List.of("*.gguf", "*.safetensors")))
        .contains("no file matches *.gguf, *.safetensors", "a.bin");
  }

  @Test
  void takesWhatMatchesAnyPattern() throws Exception {
    Snapshot snapshot = snapshot("a.gguf", "b/c.gguf", "d.txt", "e.bin");
    List<HubFile> files = FileSelection.of(snapshot, List.of("*.gguf", "d.???"));
    assertThat(PullFixture.paths(files)).containsExactly("a.gguf", "b/c.gguf", "d.txt");
  }

  @ParameterizedTest
  @CsvSource({
    "*, a/b.c, true",
    "*.gguf, a/b.gguf, true",
    "*.gguf, a.gguf.txt, false",
    "a*b*c, abbc, true",
    "a*b*c, acb, false",
    "a*bc, abcbc, true",
    "?.x, a.x, true",
    "?.x, ab.x, false",
    "sub/, sub/a/b, true",
    "sub/, subs/a, false",
    "'', a, false",
    "a[b].c, a[b].c, true",
    "A.bin, a.bin, false"
  })
  void matchesPatterns(String pattern, String name, boolean matches) {
    assertThat(new Glob(pattern).matches(name)).isEqualTo(matches);
  }

  @Test
  @Timeout(5)
  void matchesHostilePatternsQuickly() {
    assertThat(new Glob("*a".repeat(500) + "b").matches("a".repeat(1000))).isFalse();
  }

  private static List<String> select(String... names) throws HubException {
    return PullFixture.paths(FileSelection.of(snapshot(names), List.of()));
  }

  private static Snapshot snapshot(String... names) {
    Checksum checksum = new Checksum(Checksum.Kind.GIT_BLOB_SHA1, "0".repeat(40));
    return new Snapshot(
        new RepositoryReference("o/n", "main"),
        FakeHub.COMMIT,
        Arrays.stream(names).map(name -> new HubFile(name, 1500, checksum)).toList());
  }
}
