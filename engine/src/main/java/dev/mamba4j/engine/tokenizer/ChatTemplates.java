package dev.mamba4j.engine.tokenizer;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The templates by which conversations become text, as a file has them: not understood, only kept.
 *
 * @param standard the one that is used if nobody asks for another
 * @param named others by name, such as "tool_use"
 */
public record ChatTemplates(Optional<String> standard, Map<String, String> named) {
  /** No templates. */
  public static final ChatTemplates NONE = new ChatTemplates(Optional.empty(), Map.of());

  private static final String STANDARD = "default";
  private static final String KEY = "tokenizer.chat_template";
  private static final String NAMES = "tokenizer.chat_templates";
  private static final String FIELD = "chat_template";
  private static final String SUFFIX = ".jinja";

  /** Copies the map. */
  public ChatTemplates {
    named = Map.copyOf(named);
  }

  /** As {@code transformers} has them: among the others there may be one of the name "default". */
  private static ChatTemplates of(Map<String, String> templates) {
    Map<String, String> named = new TreeMap<>(templates);
    Optional<String> standard = Optional.ofNullable(named.remove(STANDARD));
    return new ChatTemplates(standard, named);
  }

  /**
   * Those of a Hugging Face folder: {@code chat_template.jinja} and {@code
   * additional_chat_templates/*.jinja}, or {@code chat_template} of {@code tokenizer_config.json},
   * a text or a list of objects with name and template.
   */
  static ChatTemplates read(Path folder, Optional<JsonObject> config) throws IOException {
    Map<String, String> templates = new TreeMap<>();
    if (config.isPresent()) {
      templates.putAll(fromConfig(config.get()));
    }
    Path file = folder.resolve(FIELD + SUFFIX);
    if (Files.exists(file)) {
      templates.put(STANDARD, Files.readString(file));
    }
    Path more = folder.resolve("additional_chat_templates");
    if (Files.isDirectory(more)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(more, "*" + SUFFIX)) {
        for (Path template : files) {
          String name = template.getFileName().toString();
          templates.put(
              name.substring(0, name.length() - SUFFIX.length()), Files.readString(template));
        }
      }
    }
    return of(templates);
  }

  private static Map<String, String> fromConfig(JsonObject config) throws FormatException {
    if (!config.has(FIELD)) {
      return Map.of();
    }
    if (!(config.fields().get(FIELD) instanceof List<?> list)) {
      return Map.of(STANDARD, config.string(FIELD));
    }
    Map<String, String> templates = new TreeMap<>();
    for (int i = 0; i < list.size(); i++) {
      JsonObject template =
          JsonObject.of("%s: %s[%d]".formatted(config.where(), FIELD, i), list.get(i));
      templates.put(template.string("name"), template.string("template"));
    }
    return templates;
  }

  /** Those of a GGUF file. */
  static ChatTemplates read(GgufMetadata metadata) throws FormatException {
    Map<String, String> named = new TreeMap<>();
    if (metadata.has(NAMES)) {
      for (String name : metadata.strings(NAMES)) {
        metadata.optionalString(key(name)).ifPresent(template -> named.put(name, template));
      }
    }
    return new ChatTemplates(metadata.optionalString(KEY), named);
  }

  /** Writes the keys that llama.cpp's converter writes. */
  void write(GgufMetadata.Builder keys) {
    standard.ifPresent(template -> keys.putString(KEY, template));
    if (!named.isEmpty()) {
      keys.putStrings(NAMES, named.keySet().stream().sorted().toList());
      new TreeMap<>(named).forEach((name, template) -> keys.putString(key(name), template));
    }
  }

  private static String key(String name) {
    return KEY + "." + name;
  }
}
