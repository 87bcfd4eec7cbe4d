package dev.mamba4j.serve;

import dev.mamba4j.engine.ChatPrompt;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.formats.FormatException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/** {@code POST /v1/chat/completions}: the next turn of a conversation. */
final class Chat implements Router.Route {
  private static final int MAX_CHOICES = 64;
  private static final int MAX_TOP = 20;

  /** Turns whose ends are worth remembering, counted from the last. */
  private static final int MARKS = 3;

  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final ServerOptions options;
  private final Prompts prompts;
  private final Scheduler scheduler;
  private final Executor workers;

  Chat(
      LanguageModel model,
      ServerOptions options,
      Prompts prompts,
      Scheduler scheduler,
      Executor workers)
      throws FormatException {
    this.model = model;
    tokenizer = model.tokenizer();
    this.options = options;
    this.prompts = prompts;
    this.scheduler = scheduler;
    this.workers = workers;
  }

  @Override
  public void handle(Exchange exchange) {
    RequestFields fields = new RequestFields(exchange.json());
    for (String name : List.of("tools", "functions", "tool_choice", "function_call")) {
      fields.refuse(name, "this model was not trained to call tools");
    }
    refuseFormat(fields);
    int n = fields.integer("n", 1, 1, MAX_CHOICES);
    String limit = fields.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
    int most = options.limits().maxTokens();
    int maxTokens = Math.min(fields.integer(limit, most, 0, Integer.MAX_VALUE), most);
    int top = fields.integer("top_logprobs", 0, 0, MAX_TOP);
    boolean logprobs = fields.bool("logprobs", false);
    ChatPrompt prompt = ChatPrompt.of(ChatMessages.turns(fields.list("messages")), tokenizer);
    List<GenerationOptions> each =
        SamplingFields.read(
            fields, n, maxTokens, List.of(ChatPrompt.END_OF_ANSWER), model.vocabulary());
    Answer.Form form =
        Answer.Form.of(fields, tokenizer, options.modelName(), logprobs ? top : Answer.Form.NO_TOP);
    ChatAnswer answer = new ChatAnswer(exchange, workers, form);
    int[] tokens = prompts.checked(prompt.tokens());
    Sequence sequence =
        new Sequence(
            tokens,
            each,
            answer.expect(tokens.length, n),
            null,
            form.wantsDistributions(),
            marks(prompt),
            exchange.gone(),
            System.nanoTime() + options.limits().patience().toNanos(),
            null);
    scheduler.submit(List.of(sequence));
    answer.begin();
  }

  private static int[] marks(ChatPrompt prompt) {
    int[] ends = prompt.ends();
    return Arrays.copyOfRange(ends, Math.max(0, ends.length - MARKS), ends.length);
  }

  private static void refuseFormat(RequestFields fields) {
    fields
        .object("response_format")
        .ifPresent(
            format -> {
              if (!format.string("type").equals("text")) {
                throw ApiError.unsupported("response_format", "this server answers in plain text");
              }
            });
  }

  /** Answers of the kind "chat.completion". */
  private final class ChatAnswer extends Answer {
    ChatAnswer(Exchange exchange, Executor workers, Form form) {
      super(exchange, workers, "chatcmpl-", form);
    }

    @Override
    String object(boolean event) {
      return event ? "chat.completion.chunk" : "chat.completion";
    }

    @Override
    Map<String, Object> whole(Part part) {
      Map<String, Object> message = new LinkedHashMap<>();
      message.put("role", "assistant");
      message.put("content", part.text().stripLeading());
      message.put("refusal", null);
      Map<String, Object> choice = new LinkedHashMap<>();
      choice.put("index", part.index());
      choice.put("message", message);
      choice.put("logprobs", logprobs(part.entries()));
      choice.put("finish_reason", part.finish());
      return choice;
    }

    @Override
    Map<String, Object> first(Part part) {
      Map<String, Object> delta = new LinkedHashMap<>();
      delta.put("role", "assistant");
      delta.put("content", "");
      return choice(part, delta, List.of(), null);
    }

    /** The space between the role and the answer belongs to neither. */
    @Override
    String shown(Part part, String piece) {
      int before = part.text().length() - piece.length();
      boolean atBeginning = part.text().substring(0, before).isBlank();
      return atBeginning ? piece.stripLeading() : piece;
    }

    @Override
    Map<String, Object> piece(Part part, String text, List<TokenEntry> entries, String finish) {
      return choice(part, finish == null ? Map.of("content", text) : Map.of(), entries, finish);
    }

    private Map<String, Object> choice(
        Part part, Map<String, Object> delta, List<TokenEntry> entries, String finish) {
      Map<String, Object> choice = new LinkedHashMap<>();
      choice.put("index", part.index());
      choice.put("delta", delta);
      choice.put("logprobs", entries.isEmpty() ? null : logprobs(entries));
      choice.put("finish_reason", finish);
      return choice;
    }

    private Map<String, Object> logprobs(List<TokenEntry> entries) {
      return form.wantsDistributions()
          ? Map.of("content", entries.stream().map(entry -> entry.asObject(tokenizer)).toList())
          : null;
    }
  }
}
