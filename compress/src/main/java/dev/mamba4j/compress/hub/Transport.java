package dev.mamba4j.compress.hub;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;

/**
 * Asks by HTTP and follows redirects. The token goes to the endpoint's own scheme, host and port
 * and nowhere else.
 */
final class Transport implements AutoCloseable {
  private static final int MOST_REDIRECTS = 10;
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

  private final Endpoint endpoint;
  private final Optional<String> token;
  private final RetryPolicy policy;
  private final HttpClient client;

  Transport(Endpoint endpoint, Optional<String> token, RetryPolicy policy) {
    this.endpoint = endpoint;
    this.token = token;
    this.policy = policy;
    // HTTP/1.1: one large body at a time gains nothing from streams, and giving one up is a close.
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(policy.connectTimeout())
            .build();
  }

  /**
   * The answer to a GET, of any status but a redirect.
   *
   * @throws TransientException if there is none
   * @throws HubException if a redirect leads nowhere
   */
  Reply get(URI address, Map<String, String> headers)
      throws TransientException, HubException, InterruptedException {
    URI next = address;
    for (int hop = 0; hop <= MOST_REDIRECTS; hop++) {
      Reply reply = ask(next, headers);
      if (!REDIRECTS.contains(reply.status())) {
        return reply;
      }
      reply.close();
      next = target(reply);
    }
    throw new HubException(
        Endpoint.origin(address) + ": more than " + MOST_REDIRECTS + " redirects");
  }

  private static URI target(Reply reply) throws HubException {
    URI from = reply.address();
    String location = reply.header("Location").orElse("");
    URI to;
    try {
      to = from.resolve(location);
    } catch (IllegalArgumentException e) {
      throw new HubException(
          Endpoint.origin(from) + ": redirects to what is no address: " + location, e);
    }
    if (location.isEmpty() || !Endpoint.isWeb(to)) {
      throw new HubException(
          Endpoint.origin(from) + ": redirects to what is no web address: " + location);
    }
    if (from.getScheme().equalsIgnoreCase("https") && !to.getScheme().equalsIgnoreCase("https")) {
      throw new HubException(
          Endpoint.origin(from)
              + ": refused to follow a redirect from https to "
              + Endpoint.origin(to));
    }
    return to;
  }

  private Reply ask(URI address, Map<String, String> headers)
      throws TransientException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address)
            .header("User-Agent", "mamba4j")
            .header("Accept-Encoding", "identity");
    headers.forEach(request::header);
    if (token.isPresent() && endpoint.isOriginOf(address)) {
      request.header("Authorization", "Bearer " + token.get());
    }
    String origin = Endpoint.origin(address);
    CompletableFuture<HttpResponse<TimedBody>> answer =
        client.sendAsync(request.build(), _ -> new TimedBody(origin, policy.readTimeout()));
    boolean answered = false;
    try {
      long patience = policy.connectTimeout().plus(policy.readTimeout()).toNanos();
      HttpResponse<TimedBody> response = answer.get(patience, TimeUnit.NANOSECONDS);
      answered = true;
      return new Reply(address, response.statusCode(), response.headers(), response.body());
    } catch (TimeoutException e) {
      throw TransientException.broken(
          origin + ": no answer within " + TimedBody.seconds(policy.readTimeout()) + " s", e);
    } catch (ExecutionException e) {
      throw failure(origin, e.getCause());
    } finally {
      if (!answered) {
        abandon(answer);
      }
    }
  }

  private static void abandon(CompletableFuture<HttpResponse<TimedBody>> answer) {
    if (!answer.cancel(true) && answer.state() == Future.State.SUCCESS) {
      answer.resultNow().body().close();
    }
  }

  private TransientException failure(String origin, Throwable cause) {
    return switch (cause) {
      case HttpConnectTimeoutException _ ->
          TransientException.unreachable(
              "cannot connect to "
                  + origin
                  + " within "
                  + TimedBody.seconds(policy.connectTimeout())
                  + " s",
              cause);
      case ConnectException _ when isUnresolved(cause) ->
          TransientException.unreachable("cannot find the host of " + origin, cause);
      case ConnectException _ ->
          TransientException.unreachable(
              "cannot connect to " + origin + ": " + message(cause, "connection refused"), cause);
      case SSLException _ ->
          TransientException.unreachable(
              "no secure connection to " + origin + ": " + message(cause, "TLS failed"), cause);
      case IOException _ ->
          TransientException.broken(
              origin + ": no answer: " + message(cause, "the connection was cut"), cause);
      default -> throw new IllegalStateException("asking " + origin, cause);
    };
  }

  private static boolean isUnresolved(Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof UnresolvedAddressException) {
        return true;
      }
    }
    return false;
  }

  private static String message(Throwable cause, String otherwise) {
    return cause.getMessage() == null ? otherwise : cause.getMessage();
  }

  /** Ends all that is under way. */
  @Override
  public void close() {
    client.shutdownNow();
  }
}
