package dev.mamba4j.serve;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** A request and the way to answer it. Answers may come from any thread, in one order. */
abstract class Exchange {
  private final String method;
  private final String path;
  private final byte[] body;
  private final AtomicBoolean gone = new AtomicBoolean();

  Exchange(String method, String path, byte[] body) {
    this.method = method;
    this.path = path;
    this.body = body;
  }

  /** GET, POST or another. */
  String method() {
    return method;
  }

  /** The path, decoded, without the query. */
  String path() {
    return path;
  }

  /** The value of a header, or null. */
  abstract String header(String name);

  /**
   * The body as a JSON object.
   *
   * @throws ApiError if it is none
   */
  JsonObject json() {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
      return JsonObject.of("the request", Json.parse(text, "the request"));
    } catch (CharacterCodingException _) {
      throw ApiError.badRequest("the request is not UTF-8");
    } catch (FormatException e) {
      throw ApiError.badRequest(e.getMessage());
    }
  }

  /** Set when the client has gone away. */
  AtomicBoolean gone() {
    return gone;
  }

  /** Answers with a whole body. */
  abstract void send(int status, String type, byte[] content, Map<String, String> headers);

  /** Answers with JSON. */
  void sendJson(int status, Object value) {
    send(status, "application/json", Json.write(value).getBytes(StandardCharsets.UTF_8), Map.of());
  }

  /** Answers with an error. */
  void fail(ApiError error) {
    Map<String, String> headers = error.status() == 429 ? Map.of("Retry-After", "1") : Map.of();
    send(error.status(), ApiError.TYPE, error.content(), headers);
  }

  /** Begins a stream of server-sent events. */
  abstract void beginEvents();

  /** Sends an event of one line. */
  abstract void event(String data);

  /** Ends the stream. */
  abstract void endEvents();
}
