package dev.mamba4j.serve;

import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code POST /v1/completions}: texts continued, and prompts scored ({@code echo}). */
final class Completions implements Router.Route {
  private static final int DEFAULT_TOKENS = 16;
  private static final int MAX_CHOICES = 64;
  private static final int MAX_TOP = 100;

  private final Service service;
  private final Tokenizer tokenizer;

  Completions(Service service) {
    this.service = service;
    tokenizer = service.tokenizer();
  }

  @Override
  public void handle(Exchange exchange) {
    RequestFields fields = new RequestFields(exchange.json());
    fields.refuse("suffix", "a Mamba-2 model only continues text");
    int n = fields.integer("n", 1, 1, MAX_CHOICES);
    if (fields.integer("best_of", n, 1, MAX_CHOICES) != n) {
      throw ApiError.unsupported("best_of", "ask for n choices with logprobs and compare them");
    }
    boolean echo = fields.bool("echo", false);
    int maxTokens = service.maxTokens(fields, "max_tokens", DEFAULT_TOKENS);
    int top = fields.integer("logprobs", Answer.Form.NO_TOP, Answer.Form.NO_TOP, MAX_TOP);
    List<GenerationOptions> each =
        SamplingFields.read(fields, n, maxTokens, List.of(), service.model().vocabulary());
    Answer.Form form = Answer.Form.of(fields, service, top);
    CompletionAnswer answer = new CompletionAnswer(exchange, form);
    List<Sequence> sequences = new ArrayList<>();
    for (int[] prompt : read(fields)) {
      Echo told = echo ? new Echo(prompt, form) : null;
      List<Choice> choices = answer.expect(prompt.length, n);
      answer.echo(told, n);
      Sequence sequence = service.sequence(exchange, prompt, each, choices);
      if (form.wantsDistributions()) {
        sequence = sequence.telling(told);
      }
      sequences.add(sequence);
    }
    service.scheduler().submit(sequences);
    answer.begin();
  }

  /** The prompts, each behind what a saved state has read. */
  private List<int[]> read(RequestFields fields) {
    List<int[]> all = service.prompts().read(fields.value("prompt"));
    if (!fields.has("state")) {
      return all;
    }
    int[] before = StateRoutes.tokens(service.states(), fields.string("state"));
    return all.stream().map(prompt -> service.prompts().checked(concat(before, prompt))).toList();
  }

  static int[] concat(int[] first, int[] second) {
    int[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }

  /** A prompt that is part of the answer, with what the model thinks of it. */
  private final class Echo implements Sequence.PromptListener {
    private final int[] prompt;
    private final int top;
    private final List<TokenEntry> entries = new ArrayList<>();

    Echo(int[] prompt, Answer.Form form) {
      this.prompt = prompt;
      top = form.top();
      if (form.wantsDistributions()) {
        entries.add(TokenEntry.of(prompt[0], null, top));
      }
    }

    @Override
    public void read(int position, LogProbabilities next) {
      if (position + 1 < prompt.length) {
        entries.add(TokenEntry.of(prompt[position + 1], next, top));
      }
    }

    String text() {
      return tokenizer.decode(prompt);
    }
  }

  /** Answers of the kind "text_completion". */
  private final class CompletionAnswer extends Answer {
    private final List<Echo> echoes = new ArrayList<>(); // by choice, null without

    CompletionAnswer(Exchange exchange, Form form) {
      super(exchange, service.workers(), "cmpl-", form);
    }

    void echo(Echo echo, int n) {
      for (int i = 0; i < n; i++) {
        echoes.add(echo);
      }
    }

    @Override
    String object(boolean event) {
      return "text_completion";
    }

    @Override
    Map<String, Object> whole(Part part) {
      Echo echo = echoes.get(part.index());
      List<TokenEntry> entries = new ArrayList<>();
      if (echo != null) {
        entries.addAll(echo.entries);
      }
      entries.addAll(part.entries());
      String text = (echo == null ? "" : echo.text()) + part.text();
      return choice(part, text, entries, part.finish());
    }

    @Override
    Map<String, Object> first(Part part) {
      Echo echo = echoes.get(part.index());
      return echo == null ? null : choice(part, echo.text(), List.of(), null);
    }

    @Override
    Map<String, Object> piece(Part part, String text, List<TokenEntry> entries, String finish) {
      return choice(part, text, entries, finish);
    }

    private Map<String, Object> choice(
        Part part, String text, List<TokenEntry> entries, String finish) {
      Map<String, Object> choice = new LinkedHashMap<>();
      choice.put("index", part.index());
      choice.put("text", text);
      choice.put(
          "logprobs", form.wantsDistributions() ? TokenEntry.asLists(entries, tokenizer) : null);
      choice.put("finish_reason", finish);
      return choice;
    }
  }
}
