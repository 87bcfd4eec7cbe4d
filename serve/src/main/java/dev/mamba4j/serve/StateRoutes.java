package dev.mamba4j.serve;

import dev.mamba4j.engine.Generation;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.sampling.LogProbabilities;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The remembered states as clients see them: save one, save one that goes on from another (a fork),
 * list, look at, delete.
 */
final class StateRoutes {
  private final Service service;
  private final StateCache states;

  StateRoutes(Service service) {
    this.service = service;
    states = service.states();
  }

  void addTo(Router router) {
    router.add("GET", "/v1/states", this::list);
    router.add("POST", "/v1/states", this::save);
    router.addBelow("GET", "/v1/states/", this::get);
    router.addBelow("DELETE", "/v1/states/", this::delete);
  }

  /** Reads a prompt, behind that of another state if one is named, and keeps the state. */
  private void save(Exchange exchange) {
    if (!states.enabled()) {
      throw ApiError.of(409, "this server remembers no states");
    }
    RequestFields fields = new RequestFields(exchange.json());
    List<int[]> read = service.prompts().read(fields.value("prompt"));
    if (read.size() != 1) {
      throw ApiError.badParameter("prompt", "one prompt", read.size() + " prompts");
    }
    int[] tokens = read.getFirst();
    if (fields.has("state")) {
      int[] before = tokens(states, fields.string("state"));
      tokens = service.prompts().checked(Completions.concat(before, tokens));
    }
    Saving saving = new Saving(exchange);
    List<GenerationOptions> none = List.of(GenerationOptions.greedy(0));
    Sequence sequence = service.sequence(exchange, tokens, none, List.of(saving));
    service.scheduler().submit(List.of(sequence.saving(saving)));
  }

  /** Answers once the state has been saved. */
  private final class Saving implements Choice, Sequence.SaveListener {
    private final Exchange exchange;

    Saving(Exchange exchange) {
      this.exchange = exchange;
    }

    @Override
    public void token(int token, String piece, LogProbabilities distribution) {}

    @Override
    public void ended(Generation.Reason reason, int cached) {}

    @Override
    public void failed(RuntimeException cause) {
      exchange.fail(cause instanceof ApiError e ? e : ApiError.of(500, cause.toString()));
    }

    @Override
    public void saved(String id) {
      states
          .describe(id)
          .ifPresentOrElse(
              state -> exchange.sendJson(200, describe(state)),
              () -> exchange.fail(ApiError.of(500, "the state is gone already")));
    }

    @Override
    public void failed(Exception cause) {
      exchange.fail(ApiError.of(507, "the state was not saved: " + cause.getMessage()));
    }
  }

  private void list(Exchange exchange) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("object", "list");
    body.put("data", states.list().stream().map(StateRoutes::describe).toList());
    exchange.sendJson(200, body);
  }

  private void get(Exchange exchange) {
    String id = id(exchange);
    exchange.sendJson(200, describe(states.describe(id).orElseThrow(() -> unknown(id))));
  }

  private void delete(Exchange exchange) {
    String id = id(exchange);
    if (!states.delete(id)) {
      throw unknown(id);
    }
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("id", id);
    body.put("object", "state");
    body.put("deleted", true);
    exchange.sendJson(200, body);
  }

  private static String id(Exchange exchange) {
    return exchange.path().substring("/v1/states/".length());
  }

  /** The tokens of a state that a request names. */
  static int[] tokens(StateCache states, String id) {
    return states.tokens(id).orElseThrow(() -> unknown(id));
  }

  private static ApiError unknown(String id) {
    return ApiError.of(404, "there is no state \"" + id + "\"; GET /v1/states lists them");
  }

  static Map<String, Object> describe(StateCache.Description state) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("id", state.id());
    object.put("object", "state");
    object.put("tokens", state.tokens());
    object.put("bytes", state.bytes());
    object.put("in_memory", state.inMemory());
    object.put("saved", state.saved());
    return object;
  }
}
