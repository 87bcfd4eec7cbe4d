package dev.mamba4j.compress.hub;

import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.Optional;

/**
 * An answer whose body is still to be read.
 *
 * @param address who gave it, after redirects
 * @param status HTTP status
 */
record Reply(URI address, int status, HttpHeaders headers, TimedBody body)
    implements AutoCloseable {

  Optional<String> header(String name) {
    return headers.firstValue(name);
  }

  @Override
  public void close() {
    body.close();
  }
}
