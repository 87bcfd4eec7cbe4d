package dev.mamba4j.engine;

import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.List;

/**
 * How a conversation becomes the text that a model continues: by the template of its file, or
 * without one as {@code User:} and {@code Assistant:} in turn. Safe to share among threads.
 */
public sealed interface ChatFormat permits PlainChat, TemplateChat {
  /**
   * The format of a model.
   *
   * @throws dev.mamba4j.engine.template.TemplateException if its template is not understood
   */
  static ChatFormat of(Tokenizer tokenizer) {
    return tokenizer
        .chatTemplate()
        .map(template -> of(tokenizer, template))
        .orElseGet(() -> new PlainChat(tokenizer));
  }

  /**
   * The format of a template in place of the model's own.
   *
   * @param template Jinja, as {@code transformers} runs it
   * @throws dev.mamba4j.engine.template.TemplateException if it is not understood
   */
  static ChatFormat of(Tokenizer tokenizer, String template) {
    return new TemplateChat(template, tokenizer);
  }

  /**
   * The prompt for the assistant's next turn.
   *
   * @param turns at least one
   * @throws dev.mamba4j.engine.template.TemplateException if the template refuses them
   */
  ChatPrompt prompt(List<Turn> turns);

  /**
   * What comes between an answer and the next one: the end of the answer's turn, a message, and up
   * to where the next answer begins.
   *
   * @param recent the last of what was read and generated; what of the turn's end the model has
   *     written itself does not come again
   * @return tokens
   * @throws dev.mamba4j.engine.template.TemplateException if the template refuses the message
   */
  int[] next(String recent, String message);

  /** Texts that end an answer, besides the token that ends a text. */
  List<String> stops();
}
