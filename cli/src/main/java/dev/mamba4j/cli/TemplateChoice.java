package dev.mamba4j.cli;

import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.tokenizer.ChatTemplates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.TreeSet;
import picocli.CommandLine.Option;

/** The option that puts another chat template in place of the model's own. */
final class TemplateChoice {
  @Option(
      names = "--chat-template",
      paramLabel = "NAME|FILE",
      description =
          "Another chat template than the standard one of the model: one that its file has under a"
              + " name, or a file of Jinja.")
  private String choice;

  /**
   * The format that was asked for; empty for the model's own.
   *
   * @throws UsageException if there is no such template
   * @throws dev.mamba4j.engine.template.TemplateException if it is not understood
   */
  Optional<ChatFormat> format(LanguageModel model) throws IOException {
    return choice == null
        ? Optional.empty()
        : Optional.of(ChatFormat.of(model.tokenizer(), template(model)));
  }

  private String template(LanguageModel model) throws IOException {
    ChatTemplates templates = model.tokenizer().chatTemplates();
    if (templates.named().containsKey(choice)) {
      return templates.named().get(choice);
    }
    Path file = Path.of(choice);
    if (!Files.exists(file)) {
      String names = String.join(", ", new TreeSet<>(templates.named().keySet()));
      throw new UsageException(
          "--chat-template: %s is no file, and no template of the model; it has %s"
              .formatted(choice, names.isEmpty() ? "none under a name" : names));
    }
    return TextChoice.read(file);
  }
}
