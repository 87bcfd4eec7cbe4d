package dev.mamba4j.compress.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What the environment says about endpoint and token, in the order in which the official client
 * looks: {@code HF_ENDPOINT}; {@code HF_TOKEN}, {@code HUGGING_FACE_HUB_TOKEN}, the file {@code
 * HF_TOKEN_PATH}, the file {@code token} in {@code HF_HOME}, which is by default {@code
 * XDG_CACHE_HOME/huggingface} or {@code ~/.cache/huggingface}.
 */
record Environment(Map<String, String> variables) {
  private static final int LONGEST_TOKEN = 4096;

  Endpoint endpoint() throws HubException {
    Optional<String> address = variable("HF_ENDPOINT");
    if (address.isEmpty()) {
      return Endpoint.HUGGING_FACE;
    }
    try {
      return Endpoint.of(address.get());
    } catch (HubException e) {
      throw new HubException("HF_ENDPOINT: " + e.getMessage(), e);
    }
  }

  Optional<String> token() throws HubException {
    Optional<String> named = variable("HF_TOKEN").or(() -> variable("HUGGING_FACE_HUB_TOKEN"));
    if (named.isPresent()) {
      return Optional.of(checked(named.get(), "HF_TOKEN"));
    }
    Path file = tokenFile();
    try (InputStream in = Files.newInputStream(file)) {
      String text = new String(in.readNBytes(LONGEST_TOKEN), StandardCharsets.UTF_8).strip();
      return text.isEmpty() ? Optional.empty() : Optional.of(checked(text, file.toString()));
    } catch (NoSuchFileException _) {
      return Optional.empty();
    } catch (HubException e) {
      throw e;
    } catch (IOException e) {
      throw HubException.local("read the token file", file, e);
    }
  }

  private Path tokenFile() throws HubException {
    Optional<Path> named = path("HF_TOKEN_PATH");
    if (named.isPresent()) {
      return named.get();
    }
    Optional<Path> home = path("HF_HOME");
    if (home.isPresent()) {
      return home.get().resolve("token");
    }
    return path("XDG_CACHE_HOME")
        .orElse(userHome().resolve(".cache"))
        .resolve("huggingface")
        .resolve("token");
  }

  private Path userHome() {
    return Path.of(variable("HOME").orElse(System.getProperty("user.home")));
  }

  private Optional<Path> path(String name) throws HubException {
    Optional<String> text = variable(name);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      boolean inHome = text.get().equals("~") || text.get().startsWith("~/");
      return Optional.of(
          inHome
              ? userHome().resolve(text.get().substring(1).replaceFirst("^/+", ""))
              : Path.of(text.get()));
    } catch (InvalidPathException e) {
      throw new HubException(name + ": not a path: " + text.get(), e);
    }
  }

  private Optional<String> variable(String name) {
    return Optional.ofNullable(variables.get(name)).map(String::strip).filter(v -> !v.isEmpty());
  }

  private static String checked(String token, String source) throws HubException {
    if (!HubClient.isToken(token)) {
      throw new HubException(
          source + ": not an access token: expected letters, digits and signs without spaces");
    }
    return token;
  }
}
