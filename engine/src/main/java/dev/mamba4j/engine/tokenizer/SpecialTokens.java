package dev.mamba4j.engine.tokenizer;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * Which tokens begin and end a text, as a Hugging Face folder says it: in {@code
 * tokenizer_config.json} beside {@code tokenizer.json}, and in the latter's post-processor.
 */
record SpecialTokens(
    OptionalInt bos,
    OptionalInt eos,
    OptionalInt unknown,
    OptionalInt padding,
    boolean addBos,
    boolean addEos,
    ChatTemplates chatTemplates) {

  private static final String END_OF_TEXT = "<|endoftext|>";

  /**
   * Reads both files.
   *
   * @param tokenizerJson the file
   * @param root its content
   * @param ids finds the id of a token's text
   */
  static SpecialTokens read(Path tokenizerJson, JsonObject root, Function<String, OptionalInt> ids)
      throws IOException {
    Path file = tokenizerJson.resolveSibling("tokenizer_config.json");
    Optional<JsonObject> config =
        Files.exists(file) ? Optional.of(Json.read(file)) : Optional.empty();
    ChatTemplates templates = ChatTemplates.read(file.resolveSibling(""), config);
    SpecialTokens tokens =
        config.isPresent() ? fromConfig(config.get(), ids, templates) : standard(ids, templates);
    return root.has("post_processor") ? tokens.with(root.object("post_processor"), ids) : tokens;
  }

  /** GPT-2 and GPT-NeoX have one mark for everything. */
  private static SpecialTokens standard(
      Function<String, OptionalInt> ids, ChatTemplates templates) {
    OptionalInt mark = ids.apply(END_OF_TEXT);
    return new SpecialTokens(mark, mark, mark, OptionalInt.empty(), false, false, templates);
  }

  private static SpecialTokens fromConfig(
      JsonObject config, Function<String, OptionalInt> ids, ChatTemplates templates)
      throws FormatException {
    return new SpecialTokens(
        token(config, "bos_token", ids),
        token(config, "eos_token", ids),
        token(config, "unk_token", ids),
        token(config, "pad_token", ids),
        config.bool("add_bos_token", false),
        config.bool("add_eos_token", false),
        templates);
  }

  private static OptionalInt token(
      JsonObject config, String field, Function<String, OptionalInt> ids) throws FormatException {
    if (!config.has(field)) {
      return OptionalInt.empty();
    }
    String text =
        config.fields().get(field) instanceof Map
            ? config.object(field).string("content")
            : config.string(field);
    return ids.apply(text);
  }

  /** What a post-processor adds: nothing, or a token before and after the text. */
  private SpecialTokens with(JsonObject postProcessor, Function<String, OptionalInt> ids)
      throws FormatException {
    return switch (postProcessor.string("type")) {
      case "ByteLevel" -> this;
      case "TemplateProcessing" -> withTemplate(postProcessor, ids);
      case "Sequence" -> {
        SpecialTokens tokens = this;
        List<?> steps = postProcessor.list("processors");
        for (int i = 0; i < steps.size(); i++) {
          String where = "%s: processors[%d]".formatted(postProcessor.where(), i);
          tokens = tokens.with(JsonObject.of(where, steps.get(i)), ids);
        }
        yield tokens;
      }
      default -> {
        TokenizerJson.expect(postProcessor, "type", "ByteLevel", "TemplateProcessing", "Sequence");
        throw new AssertionError();
      }
    };
  }

  private SpecialTokens withTemplate(JsonObject template, Function<String, OptionalInt> ids)
      throws FormatException {
    List<?> single = template.list("single");
    int text = 0;
    while (text < single.size() && !isPiece(single.get(text), "Sequence")) {
      text++;
    }
    if (text > 1 || text == single.size() || single.size() - text > 2) {
      throw new FormatException(
          "%s: single: expected the text and at most one token before and after it, found %s"
              .formatted(template.where(), Json.write(single)));
    }
    boolean begins = text == 1;
    boolean ends = single.size() - text == 2;
    return new SpecialTokens(
        begins ? tokenOf(template, single.getFirst(), ids) : bos,
        ends ? tokenOf(template, single.getLast(), ids) : eos,
        unknown,
        padding,
        addBos || begins,
        addEos || ends,
        chatTemplates);
  }

  private static boolean isPiece(Object piece, String kind) {
    return piece instanceof Map<?, ?> map && map.containsKey(kind);
  }

  private static OptionalInt tokenOf(
      JsonObject template, Object piece, Function<String, OptionalInt> ids) throws FormatException {
    String text =
        JsonObject.of(template.where() + ": single", piece).object("SpecialToken").string("id");
    OptionalInt id = ids.apply(text);
    if (id.isEmpty()) {
      throw new FormatException(
          "%s: single: expected a token of the vocabulary, found \"%s\""
              .formatted(template.where(), text));
    }
    return id;
  }
}
