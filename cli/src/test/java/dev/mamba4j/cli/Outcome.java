package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a command did.
 *
 * @param code exit code
 * @param out standard output
 * @param err standard error, without Java's own warning of the vector module
 */
record Outcome(int code, String out, String err) {
  private static final String JAVA_WARNING =
      "WARNING: Using incubator modules: jdk.incubator.vector\n";

  Outcome {
    err = err.replace(JAVA_WARNING, "");
  }

  /** Runs a command in this JVM. */
  static Outcome of(String... arguments) {
    return withInput("", arguments);
  }

  /** Runs a command in this JVM with standard input. */
  static Outcome withInput(String input, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    byte[] bytes = input.getBytes(StandardCharsets.UTF_8);
    Console console = new Console(new ByteArrayInputStream(bytes), out, err, List.of());
    int code = Main.run(console, arguments);
    return new Outcome(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** The one JSON object on standard output of a command that went well. */
  JsonObject json() throws FormatException {
    assertThat(code).as(err).isZero();
    return JsonObject.of("standard output", Json.parse(out, "standard output"));
  }

  /** A user's mistake: this code, one line that says what, nothing else. */
  void isOneLine(int expectedCode) {
    assertThat(code).as(err).isEqualTo(expectedCode);
    assertThat(err.lines()).as(err).hasSize(1);
    assertThat(err).startsWith("mamba4j: ").doesNotContain("unexpected error", "Exception");
    assertThat(out).isEmpty();
  }
}
