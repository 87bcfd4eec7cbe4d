package dev.mamba4j.serve;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Talks to a server as any client would. */
record Client(HttpClient http, int port, String key) {
  static Client of(Server server) {
    return new Client(HttpClient.newHttpClient(), server.port(), null);
  }

  Client withKey(String other) {
    return new Client(http, port, other);
  }

  HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send(request(path).GET().build());
  }

  HttpResponse<String> delete(String path) throws IOException, InterruptedException {
    return send(request(path).DELETE().build());
  }

  HttpResponse<String> post(String path, Object body) throws IOException, InterruptedException {
    return postText(path, Json.write(body));
  }

  HttpResponse<String> postText(String path, String body) throws IOException, InterruptedException {
    return send(
        request(path)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build());
  }

  HttpRequest.Builder request(String path) {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
    return key == null ? builder : builder.header("Authorization", "Bearer " + key);
  }

  private HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return http.send(request, HttpResponse.BodyHandlers.ofString());
  }

  /** The answer's object; fails if the status is not 200. */
  JsonObject ask(String path, Object body) throws IOException, InterruptedException {
    HttpResponse<String> response = post(path, body);
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + ": " + response.body());
    }
    return object(response);
  }

  static JsonObject object(HttpResponse<String> response) throws IOException {
    return JsonObject.of("answer", Json.parse(response.body(), "answer"));
  }

  static JsonObject choice(JsonObject answer, int index) throws IOException {
    return JsonObject.of("choice", answer.list("choices").get(index));
  }

  /** The events of a stream, without the last, which must be [DONE]. */
  List<JsonObject> stream(String path, Map<String, Object> body)
      throws IOException, InterruptedException {
    HttpResponse<String> response = post(path, body);
    if (!response.headers().firstValue("Content-Type").orElse("").startsWith("text/event-stream")) {
      throw new AssertionError("no stream: " + response.body());
    }
    List<String> lines = response.body().lines().filter(line -> !line.isEmpty()).toList();
    if (!lines.getLast().equals("data: [DONE]")) {
      throw new AssertionError("the stream ends with " + lines.getLast());
    }
    List<JsonObject> events = new ArrayList<>();
    for (String line : lines.subList(0, lines.size() - 1)) {
      events.add(JsonObject.of("event", Json.parse(line.substring("data: ".length()), "event")));
    }
    return events;
  }
}
