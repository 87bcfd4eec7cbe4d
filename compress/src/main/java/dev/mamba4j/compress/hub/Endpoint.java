package dev.mamba4j.compress.hub;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A server that speaks the Hub's HTTP interface.
 *
 * @param base its address, http or https, possibly with a path, without a slash at the end
 */
public record Endpoint(URI base) {
  /** The public one, huggingface.co. */
  public static final Endpoint HUGGING_FACE = new Endpoint(URI.create("https://huggingface.co"));

  /** Checks that the address is one of a web server and nothing more. */
  public Endpoint {
    if (!isWeb(base)
        || base.getRawUserInfo() != null
        || base.getRawQuery() != null
        || base.getRawFragment() != null
        || base.getRawPath().endsWith("/")) {
      throw new IllegalArgumentException("not the address of an endpoint: " + base);
    }
  }

  /** Reads an address such as {@code https://huggingface.co}; a slash at the end is dropped. */
  public static Endpoint of(String address) throws HubException {
    try {
      return new Endpoint(new URI(address.strip().replaceAll("/+$", "")));
    } catch (URISyntaxException | IllegalArgumentException e) {
      throw new HubException(
          "not the address of a Hugging Face endpoint: \""
              + address
              + "\"; expected one like https://huggingface.co",
          e);
    }
  }

  /** The page of a repository, where its terms are accepted. */
  URI page(RepositoryReference repository) {
    return URI.create(base + "/" + repository.name());
  }

  /** Where the commit of a revision is told, and, for want of a listing, its files. */
  URI revision(RepositoryReference repository) {
    return URI.create(
        base
            + "/api/models/"
            + repository.name()
            + "/revision/"
            + encode(repository.revision())
            + "?blobs=true");
  }

  /** Where the files of a commit are listed. */
  URI tree(RepositoryReference repository, String commit) {
    return URI.create(
        base + "/api/models/" + repository.name() + "/tree/" + encode(commit) + "?recursive=true");
  }

  /** Where a file of a commit is downloaded from. */
  URI file(RepositoryReference repository, String commit, String path) {
    StringBuilder address = new StringBuilder(base + "/" + repository.name() + "/resolve/");
    address.append(encode(commit));
    for (String segment : path.split("/", -1)) {
      address.append('/').append(encode(segment));
    }
    return URI.create(address.toString());
  }

  /** Whether an address has this endpoint's scheme, host and port; only there may a token go. */
  boolean isOriginOf(URI address) {
    return origin(address).equals(origin(base));
  }

  /** Scheme, host and port of a web address. */
  static String origin(URI address) {
    String scheme = address.getScheme().toLowerCase(Locale.ROOT);
    int port = address.getPort();
    boolean implied = port < 0 || port == (scheme.equals("https") ? 443 : 80);
    return scheme
        + "://"
        + address.getHost().toLowerCase(Locale.ROOT)
        + (implied ? "" : ":" + port);
  }

  /** Whether an address can be asked by HTTP at all. */
  static boolean isWeb(URI address) {
    return ("http".equalsIgnoreCase(address.getScheme())
            || "https".equalsIgnoreCase(address.getScheme()))
        && address.getHost() != null;
  }

  /** Percent-encodes all but the unreserved characters of RFC 3986. */
  private static String encode(String text) {
    StringBuilder encoded = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      if (c < 0x80 && (Character.isLetterOrDigit(c) || "-._~".indexOf(c) >= 0)) {
        encoded.append(c);
      } else {
        encoded.append(String.format("%%%02X", (int) c));
      }
    }
    return encoded.toString();
  }

  @Override
  public String toString() {
    return base.toString();
  }
}
