package dev.mamba4j.serve;

import dev.mamba4j.formats.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** A request that cannot be answered, in the words that the client gets. */
final class ApiError extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The media type of {@link #content}. */
  static final String TYPE = "application/json";

  private final int status;
  private final String parameter;

  private ApiError(int status, String message, String parameter) {
    super(message, null, false, false); // says all there is to know
    this.status = status;
    this.parameter = parameter;
  }

  /** 400: the request makes no sense. */
  static ApiError badRequest(String message) {
    return new ApiError(400, message, null);
  }

  /** 400: a parameter makes no sense. */
  static ApiError badParameter(String parameter, String expected, Object found) {
    return new ApiError(
        400, parameter + " must be " + expected + ", not " + abbreviate(found), parameter);
  }

  /** 400: a parameter that this server does not have. */
  static ApiError unsupported(String parameter, String advice) {
    return new ApiError(400, parameter + " is not supported; " + advice, parameter);
  }

  /** Any other refusal. */
  static ApiError of(int status, String message) {
    return new ApiError(status, message, null);
  }

  /** 429: there is no room now. */
  static ApiError full() {
    return new ApiError(429, "too many requests are waiting; try again in a moment", null);
  }

  private static String abbreviate(Object value) {
    String text = String.valueOf(value);
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }

  /** The HTTP status. */
  int status() {
    return status;
  }

  /** The body, as OpenAI's API has it. */
  Map<String, Object> body() {
    Map<String, Object> error = new LinkedHashMap<>();
    error.put("message", getMessage());
    error.put("type", type());
    error.put("param", parameter);
    error.put("code", status);
    return Map.of("error", error);
  }

  /** The body as bytes. */
  byte[] content() {
    return Json.write(body()).getBytes(StandardCharsets.UTF_8);
  }

  private String type() {
    return switch (status) {
      case 401 -> "authentication_error";
      case 404 -> "not_found_error";
      case 429 -> "rate_limit_error";
      default -> status < 500 ? "invalid_request_error" : "server_error";
    };
  }
}
