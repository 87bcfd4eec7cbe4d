package dev.mamba4j.serve;

import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * What the routes share.
 *
 * @param chatFormat in place of the model's own
 * @param workers for work that must not hold up the thread that runs the model
 */
record Service(
    LanguageModel model,
    Optional<ChatFormat> chatFormat,
    Tokenizer tokenizer,
    ServerOptions options,
    Prompts prompts,
    Scheduler scheduler,
    StateCache states,
    Executor workers) {

  /** A sequence for a request: it ends when the client goes away, or has waited long enough. */
  Sequence sequence(
      Exchange exchange, int[] prompt, List<GenerationOptions> each, List<Choice> choices) {
    long deadline = System.nanoTime() + options.limits().patience().toNanos();
    return Sequence.of(prompt, each, choices, exchange.gone(), deadline);
  }

  /** How many tokens an answer may have, if a request asks for so many. */
  int maxTokens(RequestFields fields, String name, int otherwise) {
    int wanted = fields.integer(name, otherwise, 0, Integer.MAX_VALUE);
    return Math.min(wanted, options.limits().maxTokens());
  }
}
