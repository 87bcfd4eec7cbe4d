package dev.mamba4j.compress.hub;

import java.io.IOException;
import java.net.URI;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/**
 * Says what a status other than success means. The header {@code X-Error-Code} is the Hub's own; a
 * repository that is absent and one that is private look alike to strangers, by intent.
 */
record Refusal(Endpoint endpoint, RepositoryReference repository, boolean hasToken) {

  /**
   * The error to throw: a {@link TransientException} if another try may help, else a {@link
   * HubException}.
   */
  IOException of(Reply reply) {
    int status = reply.status();
    String who = Endpoint.origin(reply.address());
    boolean own = endpoint.isOriginOf(reply.address());
    if (status == 429) {
      return TransientException.busy(who + ": too many requests (status 429)", retryAfter(reply));
    }
    // A foreign host refuses when a signed address has run out; the next try gets a new one.
    if (status >= 500 || status == 408 || status == 425 || !own) {
      return TransientException.busy(who + ": answered with status " + status, retryAfter(reply));
    }
    String code = reply.header("X-Error-Code").orElse("");
    return new HubException(
        switch (status) {
          case 401, 403 -> denied(status, code);
          case 404 -> absent(code, reply.address());
          default ->
              who
                  + ": unexpected status "
                  + status
                  + reply.header("X-Error-Message").map(message -> ": " + message).orElse("");
        });
  }

  /** The error for an address that the endpoint does not know. */
  HubException unknown(URI address) {
    return new HubException(absent("", address));
  }

  private String denied(int status, String code) {
    if (code.equals("GatedRepo")) {
      return repository
          + ": gated: accept its terms at "
          + endpoint.page(repository)
          + (hasToken
              ? " with the account that the token belongs to"
              : ", then set HF_TOKEN to an access token");
    }
    String reason = " (status " + status + (code.isEmpty() ? ")" : ", " + code + ")");
    return repository
        + (hasToken
            ? ": the access token gives no access: it may have expired, or the repository is"
                + " absent, private or gated"
            : ": absent, private or gated: set HF_TOKEN to an access token if it exists")
        + "; see "
        + endpoint.page(repository)
        + reason;
  }

  private String absent(String code, URI address) {
    return switch (code) {
      case "RevisionNotFound" ->
          repository.name() + ": no revision \"" + repository.revision() + "\" on " + endpoint;
      case "RepoNotFound" ->
          repository.name()
              + ": no such repository on "
              + endpoint
              + (hasToken ? "" : "; if it is private, set HF_TOKEN to an access token");
      default ->
          repository
              + ": not found on "
              + endpoint
              + " (status 404 for "
              + address.getPath()
              + "); check the name, the revision and HF_ENDPOINT";
    };
  }

  /** Seconds or a date, as RFC 9110 section 10.2.3 has it. */
  private static Optional<Duration> retryAfter(Reply reply) {
    String text = reply.header("Retry-After").map(String::strip).orElse("");
    if (text.matches("\\d{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
    }
    try {
      Instant due = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      Duration wait = Duration.between(Instant.now(), due);
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeException _) {
      return Optional.empty();
    }
  }
}
