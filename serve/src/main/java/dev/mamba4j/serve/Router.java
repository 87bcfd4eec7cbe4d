package dev.mamba4j.serve;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Finds who answers a request, after its key has been looked at. Paths are names in a table and
 * never reach the file system.
 */
final class Router {
  /** Answers requests to one path. */
  @FunctionalInterface
  interface Route {
    /**
     * Answers, now or later.
     *
     * @throws ApiError to answer with that
     */
    void handle(Exchange exchange);
  }

  private final List<byte[]> apiKeys;
  private final List<String> origins;
  private final Map<String, Map<String, Route>> routes = new TreeMap<>(); // path, method
  private final Map<String, Map<String, Route>> prefixes = new TreeMap<>();
  private final List<String> open = List.of("/", "/health");

  Router(ServerOptions options) {
    apiKeys = options.apiKeys().stream().map(key -> key.getBytes(StandardCharsets.UTF_8)).toList();
    origins = options.origins();
  }

  /** Adds a route for a path. */
  void add(String method, String path, Route route) {
    routes.computeIfAbsent(path, _ -> new TreeMap<>()).put(method, route);
  }

  /** Adds a route for all paths below one that ends with a slash. */
  void addBelow(String method, String prefix, Route route) {
    prefixes.computeIfAbsent(prefix, _ -> new TreeMap<>()).put(method, route);
  }

  /** Answers a request; whatever happens, the client gets an answer. */
  void handle(Exchange exchange) {
    try {
      if (exchange.method().equals("OPTIONS") && !origins.isEmpty()) {
        exchange.send(204, "text/plain", new byte[0], Map.of());
        return;
      }
      find(exchange).handle(exchange);
    } catch (ApiError e) {
      exchange.fail(e);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      exchange.fail(ApiError.of(500, "internal error: " + e));
    }
  }

  private Route find(Exchange exchange) {
    String path = exchange.path();
    Map<String, Route> methods = routes.get(path);
    if (methods == null) {
      methods =
          prefixes.entrySet().stream()
              .filter(entry -> path.startsWith(entry.getKey()))
              .map(Map.Entry::getValue)
              .findFirst()
              .orElse(null);
    }
    boolean isPage = exchange.method().equals("GET") && open.contains(path);
    if (!isPage && !path.startsWith("/assets/")) {
      authorize(exchange);
    }
    if (methods == null) {
      throw ApiError.of(404, "there is no " + path + " here; /openapi.json lists what there is");
    }
    String method = exchange.method().equals("HEAD") ? "GET" : exchange.method();
    Route route = methods.get(method);
    if (route == null) {
      throw ApiError.of(405, path + " takes " + String.join(" or ", methods.keySet()));
    }
    return route;
  }

  private void authorize(Exchange exchange) {
    if (apiKeys.isEmpty()) {
      return;
    }
    String header = exchange.header("Authorization");
    String shown = header != null && header.startsWith("Bearer ") ? header.substring(7) : "";
    byte[] bytes = shown.getBytes(StandardCharsets.UTF_8);
    boolean known = false;
    for (byte[] key : apiKeys) {
      known |= MessageDigest.isEqual(key, bytes); // in the same time, wherever they differ
    }
    if (!known) {
      throw ApiError.of(401, "the request needs a valid API key: Authorization: Bearer KEY");
    }
  }

  /** The headers that let a page of another origin read an answer. */
  Map<String, String> crossOrigin(String origin) {
    if (origin == null || !(origins.contains("*") || origins.contains(origin))) {
      return Map.of();
    }
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Access-Control-Allow-Origin", origin);
    headers.put("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS");
    headers.put("Access-Control-Allow-Headers", "Authorization, Content-Type");
    headers.put("Vary", "Origin");
    return headers;
  }
}
