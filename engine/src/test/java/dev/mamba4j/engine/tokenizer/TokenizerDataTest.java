package dev.mamba4j.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizerDataTest {
  /** A small tokenizer.json; tests replace parts of it. */
  private static final String SMALL =
      """
      {"version": "1.0", "truncation": null, "padding": null,
       "added_tokens": [
         {"id": 3, "content": "<|endoftext|>", "special": true, "normalized": false},
         {"id": 5, "content": "  ", "special": false, "normalized": true}],
       "normalizer": null,
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
       "post_processor": null,
       "decoder": {"type": "ByteLevel"},
       "model": {"type": "BPE", "dropout": null, "unk_token": null,
         "vocab": {"a": 0, "b": 1, "ab": 2},
         "merges": ["a b"]}}
      """;

  @TempDir Path folder;

  @Test
  void shipsTheVocabularyOfGptNeoX() throws IOException {
    TokenizerData published = TokenizerData.fromHuggingFace(NeoXFiles.unpack(folder));
    assertSame(TokenizerData.gptNeoX(), published);
    assertThat(published.tokens()).hasSize(50277);
    assertThat(published.merges()).hasSize(50009);
  }

  @Test
  void readsWhatTheTokenizerJsonOfTheSmallModelSays() throws IOException {
    TokenizerData data =
        TokenizerData.fromHuggingFace(
            Path.of(System.getProperty("mamba4j.root"), "models/tiny/tokenizer.json"));
    // The values are those in the GGUF files that llama.cpp's converter made from it.
    assertThat(data.model()).isEqualTo("gpt2");
    assertThat(data.pre()).isEqualTo("gpt-2");
    assertThat(data.tokens()).hasSize(4096).startsWith("<|endoftext|>", "!", "\"");
    assertThat(data.tokens()).endsWith("mith", "ointment", "ĠAust");
    assertThat(data.tokenTypes()).startsWith(3, 1, 1);
    assertThat(data.merges()).hasSize(3839).startsWith("Ġ t", "h e").endsWith("ĠA ust");
    assertThat(data.bos()).hasValue(0);
    assertThat(data.eos()).hasValue(0);
    assertThat(data.unknown()).hasValue(0);
    assertThat(data.padding()).isEmpty();
    assertThat(data.addBos()).isFalse();
  }

  @Test
  void padsToTheRowsOfTheEmbeddings() throws IOException {
    TokenizerData padded = TokenizerData.gptNeoX().paddedTo(50288);
    assertThat(padded.tokens()).hasSize(50288).endsWith("[PAD50286]", "[PAD50287]");
    int[] types = padded.tokenTypes();
    // 3: the two marks; 4: 23 runs of spaces and 11 of padding.
    assertThat(Arrays.stream(types).filter(type -> type == 3)).hasSize(2);
    assertThat(Arrays.stream(types).filter(type -> type == 4)).hasSize(23 + 11);
    assertThat(padded.eos()).hasValue(0);
    assertThat(padded.pre()).isEqualTo("mpt");
  }

  @Test
  void readsMergesOfBothForms() throws IOException {
    assertSame(read(SMALL.replace("\"a b\"", "[\"a\", \"b\"]")), read(SMALL));
  }

  @Test
  void namesIdsThatNoTokenHas() throws IOException {
    TokenizerData data = read(SMALL);
    assertThat(data.tokens()).containsExactly("a", "b", "ab", "<|endoftext|>", "[PAD4]", "  ");
    assertThat(data.tokenTypes()).containsExactly(1, 1, 1, 3, 5, 4);
    Tokenizer tokenizer = Tokenizer.of(data);
    assertThat(tokenizer.decode(4, 2)).isEqualTo("ab");
  }

  @Test
  void takesBeginAndEndFromTheConfigurationBesideIt() throws IOException {
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        """
        {"bos_token": "a", "eos_token": {"content": "<|endoftext|>"}, "pad_token": "b",
         "add_bos_token": true, "chat_template": "{{ messages }}"}
        """);
    TokenizerData data = read(SMALL);
    assertThat(data.bos()).hasValue(0);
    assertThat(data.eos()).hasValue(3);
    assertThat(data.padding()).hasValue(1);
    assertThat(data.unknown()).isEmpty();
    assertThat(data.addBos()).isTrue();
    assertThat(data.addEos()).isFalse();
    assertThat(data.chatTemplate()).hasValue("{{ messages }}");
  }

  @Test
  void keepsChatTemplatesOfSeveralNames() throws IOException {
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        """
        {"chat_template": [{"name": "default", "template": "D"}, {"name": "rag", "template": "R"}]}
        """);
    Files.createDirectory(folder.resolve("additional_chat_templates"));
    Files.writeString(folder.resolve("additional_chat_templates").resolve("tool_use.jinja"), "T");
    TokenizerData data = read(SMALL);
    assertThat(data.chatTemplates())
        .isEqualTo(new ChatTemplates(Optional.of("D"), Map.of("rag", "R", "tool_use", "T")));

    GgufMetadata.Builder keys = GgufMetadata.builder();
    TokenizerMetadata.write(data, keys);
    GgufMetadata written = keys.build();
    assertThat(written.string("tokenizer.chat_template")).isEqualTo("D");
    assertThat(written.string("tokenizer.chat_template.tool_use")).isEqualTo("T");
    assertThat(written.strings("tokenizer.chat_templates")).containsExactly("rag", "tool_use");
    assertSame(TokenizerMetadata.read(written, "test").orElseThrow(), data);
  }

  @Test
  void aTemplateInAFileOfItsOwnComesFirst() throws IOException {
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"chat_template\": \"old\"}");
    Files.writeString(folder.resolve("chat_template.jinja"), "new\n");
    assertThat(read(SMALL).chatTemplate()).hasValue("new\n");
  }

  @Test
  void takesWhatATemplateAddsToATextAsItsBeginAndEnd() throws IOException {
    String template =
        "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [%s], \"pair\": []}";
    String text = "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}";
    String mark = "{\"SpecialToken\": {\"id\": \"ab\", \"type_id\": 0}}";
    String none = "\"post_processor\": null";
    assertSame(read(SMALL.replace(none, template.formatted(text))), read(SMALL));
    TokenizerData begins = read(SMALL.replace(none, template.formatted(mark + "," + text)));
    assertThat(begins.bos()).hasValue(2);
    assertThat(begins.addBos()).isTrue();
    assertThat(begins.addEos()).isFalse();
    TokenizerData ends = read(SMALL.replace(none, template.formatted(text + "," + mark)));
    assertThat(ends.eos()).hasValue(2);
    assertThat(ends.addEos()).isTrue();
    assertRejected(
        SMALL.replace(none, template.formatted(mark + "," + mark + "," + text)),
        ": post_processor: single: expected the text and at most one token before and after it");
    assertRejected(
        SMALL.replace(none, template.formatted(text + "," + mark.replace("ab", "zz"))),
        ": post_processor: single: expected a token of the vocabulary, found \"zz\"");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "\"BPE\"|\"Unigram\"|: model: field \"type\": expected \"BPE\" or null, found \"Unigram\"",
        "\"dropout\": null|\"dropout\": 0.1|: model: field \"dropout\": expected null or 0",
        "\"unk_token\": null|\"unk_token\": \"a\"|: model: field \"unk_token\": not supported where"
            + " a byte",
        "\"dropout\": null|\"byte_fallback\": true|: model: field \"byte_fallback\"",
        "\"dropout\": null|\"ignore_merges\": true|: model: field \"ignore_merges\"",
        "\"dropout\": null|\"end_of_word_suffix\": \"</w>\"|: model: field \"end_of_word_suffix\"",
        "\"normalizer\": null|\"normalizer\": {\"type\": \"NFKC\"}|: normalizer: field \"type\"",
        "\"add_prefix_space\": false|\"add_prefix_space\": true|: field \"add_prefix_space\"",
        "\"use_regex\": true|\"use_regex\": false|: pre_tokenizer: field \"use_regex\"",
        "{\"type\": \"ByteLevel\"}|{\"type\": \"Metaspace\"}|: decoder: field \"type\"",
        "\"id\": 3,|\"id\": 3, \"lstrip\": true,|: added_tokens[0]: field \"lstrip\": expected"
            + " null",
        "\"id\": 3|\"id\": 2|: added_tokens[0]: id of \"<|endoftext|>\": expected one of its own",
        "\"ab\": 2|\"ab\": 1|: model: vocab: id of \"ab\": expected one of its own, found 1",
        "\"ab\": 2|\"ab\": -2|: model: vocab: id of \"ab\": expected 0 to 1048575, found -2",
        "\"ab\": 2|\"ab\": 99999999999|: model: vocab: id of \"ab\": expected 0 to 1048575",
        "\"ab\": 2|\"ab\": \"x\"|: model: vocab: field \"ab\": expected a whole number",
        "[\"a b\"]|[\"ab\"]|: model: merges[0]: expected two tokens without spaces, found \"ab\"",
        "[\"a b\"]|[7]|: model: merges[0]: expected two tokens without spaces, found 7",
        "[\"a b\"]|[\"a b\", \"a b\"]|: model: merges[1]: expected each pair once",
        "\"model\"|\"modell\"|: field \"model\": expected an object, found nothing",
        "\"post_processor\": null|\"post_processor\": {\"type\": \"BertProcessing\"}|:"
            + " post_processor",
        "\"decoder\"|oops|: not valid JSON at line 8"
      })
  void namesTheFieldThatItDoesNotSupport(String part, String replacement, String message) {
    assertThat(SMALL).contains(part);
    assertRejected(SMALL.replace(part, replacement), message);
  }

  @Test
  void rejectsTokensThatAGgufFileCannotTellApart() {
    String normalizing =
        SMALL.replace("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}");
    assertRejected(
        normalizing.replace(
            "\"special\": true, \"normalized\": false", "\"special\": true, \"normalized\": true"),
        ": added_tokens[0]: field \"normalized\": expected false, found true");
  }

  private void assertRejected(String json, String message) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.resolve("tokenizer.json").toString())
        .hasMessageContaining(message);
  }

  private TokenizerData read(String json) throws IOException {
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, json);
    return TokenizerData.fromHuggingFace(file);
  }

  private static void assertSame(TokenizerData actual, TokenizerData expected) {
    assertThat(fields(actual)).isEqualTo(fields(expected));
  }

  private static List<Object> fields(TokenizerData data) {
    return List.of(
        data.model(),
        data.pre(),
        data.tokens(),
        Json.write(Arrays.stream(data.tokenTypes()).boxed().toList()),
        data.merges(),
        data.bos(),
        data.eos(),
        data.unknown(),
        data.padding(),
        data.addBos(),
        data.addEos(),
        data.chatTemplates());
  }
}
