package dev.mamba4j.serve;

import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.ChatPrompt;
import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.template.TemplateException;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.formats.FormatException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code POST /v1/chat/completions}: the next turn of a conversation. */
final class Chat implements Router.Route {
  private static final int MAX_CHOICES = 64;
  private static final int MAX_TOP = 20;

  /** Turns whose ends are worth remembering, counted from the last. */
  private static final int MARKS = 3;

  private final Service service;
  private final Tokenizer tokenizer;

  Chat(Service service) {
    this.service = service;
    tokenizer = service.tokenizer();
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
    int maxTokens = service.maxTokens(fields, limit, Integer.MAX_VALUE);
    int top = fields.integer("top_logprobs", 0, 0, MAX_TOP);
    boolean logprobs = fields.bool("logprobs", false);
    ChatFormat format = format();
    ChatPrompt prompt = prompt(format, ChatMessages.turns(fields.list("messages")));
    List<GenerationOptions> each =
        SamplingFields.read(fields, n, maxTokens, format.stops(), service.model().vocabulary());
    Answer.Form form = Answer.Form.of(fields, service, logprobs ? top : Answer.Form.NO_TOP);
    ChatAnswer answer = new ChatAnswer(exchange, form);
    int[] tokens = service.prompts().checked(prompt.tokens());
    Sequence sequence =
        service
            .sequence(exchange, tokens, each, answer.expect(tokens.length, n))
            .marked(marks(prompt));
    if (form.wantsDistributions()) {
      sequence = sequence.telling(null);
    }
    service.scheduler().submit(List.of(sequence));
    answer.begin();
  }

  /** The file is at fault, not the request; but a 5xx would have clients ask again. */
  private ChatFormat format() {
    try {
      return service.chatFormat().isPresent()
          ? service.chatFormat().get()
          : service.model().chatFormat();
    } catch (FormatException | TemplateException e) {
      throw ApiError.badRequest(
          "this model cannot chat: its "
              + e.getMessage()
              + "; ask /v1/completions, or start the server with another template");
    }
  }

  private static ChatPrompt prompt(ChatFormat format, List<Turn> turns) {
    try {
      return format.prompt(turns);
    } catch (TemplateException e) {
      throw ApiError.badRequest(e.getMessage());
    }
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
    ChatAnswer(Exchange exchange, Form form) {
      super(exchange, service.workers(), "chatcmpl-", form);
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
