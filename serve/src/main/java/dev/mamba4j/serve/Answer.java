package dev.mamba4j.serve;

import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.formats.json.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executor;

/**
 * The answer to a request for text: one or more choices, sent as a whole when the last has ended or
 * as a stream of parts. Subclasses say what the parts look like.
 */
abstract class Answer {
  private final Exchange exchange;
  private final Executor workers;
  private final String id;
  private final long created = Instant.now().getEpochSecond();
  private final String model;
  private final boolean stream;
  private final boolean streamUsage;
  private final List<Part> parts = new ArrayList<>();
  private int open;
  private int promptTokens;
  private boolean failed;

  /** What the answer is made of, common to all that ask for text. */
  record Form(String model, boolean stream, boolean streamUsage, int top) {
    /** No log-probabilities are wanted. */
    static final int NO_TOP = -1;

    /** Reads what completions and chat have in common. */
    static Form of(RequestFields fields, Service service, int top) {
      boolean stream = fields.bool("stream", false);
      boolean usage =
          fields
              .object("stream_options")
              .map(options -> options.bool("include_usage", false))
              .orElse(false);
      return new Form(service.options().modelName(), stream, usage, top);
    }

    boolean wantsDistributions() {
      return top != NO_TOP;
    }
  }

  final Form form;

  Answer(Exchange exchange, Executor workers, String idPrefix, Form form) {
    this.exchange = exchange;
    this.workers = workers;
    this.form = form;
    id = idPrefix + UUID.randomUUID().toString().replace("-", "");
    model = form.model();
    stream = form.stream();
    streamUsage = form.streamUsage();
  }

  /** The name of the whole answer, or of an event of a stream. */
  abstract String object(boolean event);

  /** A choice of the whole answer. */
  abstract Map<String, Object> whole(Part part);

  /** What a stream says of a choice first; null for nothing. */
  Map<String, Object> first(Part part) {
    return null;
  }

  /** A piece of a choice in a stream; {@code finish} is null until the last. */
  abstract Map<String, Object> piece(
      Part part, String text, List<TokenEntry> entries, String finish);

  /** The text of a piece as the client gets it. */
  String shown(Part part, String piece) {
    return piece;
  }

  /** Adds the choices of a prompt and returns who follows them. */
  final List<Choice> expect(int promptLength, int n) {
    promptTokens += promptLength;
    List<Choice> choices = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      Part part = new Part(parts.size());
      parts.add(part);
      choices.add(part);
    }
    open += n;
    return choices;
  }

  /** The choices so far, in order. */
  final List<Part> parts() {
    return parts;
  }

  /** Begins to stream; called when all sequences have been taken on. */
  final synchronized void begin() {
    if (stream && !failed) {
      exchange.beginEvents();
      for (Part part : parts) {
        Map<String, Object> first = first(part);
        if (first != null) {
          send(List.of(first), null);
        }
        part.begun = true;
        part.catchUp();
      }
      finishIfDone();
    }
  }

  private void send(List<Map<String, Object>> choices, Object usage) {
    Map<String, Object> event = head(true);
    event.put("choices", choices);
    if (streamUsage) {
      event.put("usage", usage);
    }
    exchange.event(Json.write(event));
  }

  private Map<String, Object> head(boolean event) {
    Map<String, Object> head = new LinkedHashMap<>();
    head.put("id", id);
    head.put("object", object(event));
    head.put("created", created);
    head.put("model", model);
    return head;
  }

  private Map<String, Object> usage() {
    int completion = parts.stream().mapToInt(part -> part.chosen).sum();
    int cached = parts.stream().mapToInt(part -> part.cached).max().orElse(0);
    Map<String, Object> usage = new LinkedHashMap<>();
    usage.put("prompt_tokens", promptTokens);
    usage.put("completion_tokens", completion);
    usage.put("total_tokens", promptTokens + completion);
    usage.put("prompt_tokens_details", Map.of("cached_tokens", cached));
    return usage;
  }

  private void finishIfDone() {
    if (open > 0 || failed) {
      return;
    }
    if (!stream) {
      workers.execute(this::sendWhole); // may be large, and others wait for their tokens
    } else if (parts.getFirst().begun) {
      if (streamUsage) {
        send(List.of(), usage());
      }
      exchange.event("[DONE]");
      exchange.endEvents();
    }
  }

  private void sendWhole() {
    Map<String, Object> answer = head(false);
    answer.put("choices", parts.stream().map(this::whole).toList());
    answer.put("usage", usage());
    exchange.sendJson(200, answer);
  }

  /** One continuation. */
  final class Part implements Choice {
    private final int index;
    private final StringBuilder text = new StringBuilder();
    private final List<TokenEntry> entries = new ArrayList<>();
    private String pendingText = "";
    private int sentEntries;
    private int chosen;
    private int cached;
    private boolean begun;
    private String finish;

    private Part(int index) {
      this.index = index;
    }

    int index() {
      return index;
    }

    String text() {
      return text.toString();
    }

    /** Of the tokens chosen, in order; empty if no log-probabilities are wanted. */
    List<TokenEntry> entries() {
      return entries;
    }

    /** Why it ended, in the API's words. */
    String finish() {
      return finish;
    }

    @Override
    public void token(int token, String piece, LogProbabilities distribution) {
      synchronized (Answer.this) {
        chosen++;
        text.append(piece);
        pendingText += piece;
        if (form.wantsDistributions()) {
          entries.add(TokenEntry.of(token, distribution, form.top()));
        }
        catchUp();
      }
    }

    /** Sends what has come since the last event, if the stream has begun. */
    private void catchUp() {
      if (!begun || failed) {
        return;
      }
      String shown = shown(this, pendingText);
      pendingText = "";
      List<TokenEntry> news = List.copyOf(entries.subList(sentEntries, entries.size()));
      sentEntries = entries.size();
      if (!shown.isEmpty() || !news.isEmpty()) {
        send(List.of(piece(this, shown, news, null)), null);
      }
      if (finish != null) {
        send(List.of(piece(this, "", List.of(), finish)), null);
      }
    }

    @Override
    public void ended(Generation.Reason reason, int cachedTokens) {
      synchronized (Answer.this) {
        finish = reason == Generation.Reason.LENGTH ? "length" : "stop";
        cached = cachedTokens;
        open--;
        catchUp();
        finishIfDone();
      }
    }

    @Override
    public void failed(RuntimeException cause) {
      synchronized (Answer.this) {
        if (failed) {
          return;
        }
        failed = true;
        exchange.gone().set(true); // the other choices are of no use then
        ApiError error =
            cause instanceof ApiError known ? known : ApiError.of(500, cause.toString());
        if (begun) {
          exchange.event(Json.write(error.body()));
          exchange.endEvents();
        } else {
          exchange.fail(error);
        }
      }
    }
  }
}
