package dev.mamba4j.compress.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EnvironmentTest {
  @TempDir Path home;

  @Test
  void asksThePublicEndpointWithoutTokenByDefault() throws Exception {
    assertThat(environment().endpoint()).isEqualTo(Endpoint.HUGGING_FACE);
    assertThat(environment("HF_ENDPOINT", " ", "HF_TOKEN", "").endpoint())
        .hasToString("https://huggingface.co");
    assertThat(environment("HF_TOKEN", "").token()).isEmpty();
  }

  @Test
  void takesAnotherEndpoint() throws Exception {
    assertThat(environment("HF_ENDPOINT", "http://localhost:8080/hub//").endpoint())
        .hasToString("http://localhost:8080/hub");
    try (HubClient client =
        HubClient.fromEnvironment(Map.of("HF_ENDPOINT", "http://h", "HF_TOKEN", "t"))) {
      assertThat(client.endpoint()).hasToString("http://h");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "huggingface.co",
        "ftp://x",
        "http://",
        "http://u:p@x",
        "http://x?y",
        "http://a b"
      })
  void refusesAnEndpointThatIsNone(String address) {
    PullFixture.assertOneLine(() -> environment("HF_ENDPOINT", address).endpoint())
        .startsWith("HF_ENDPOINT: ")
        .contains("https://huggingface.co");
  }

  @Test
  void looksForTheTokenWhereTheOfficialClientDoes() throws Exception {
    Map<String, String> all = new HashMap<>();
    all.put("HOME", home.toString());
    write(".cache/huggingface/token", "from-home\n");
    assertThat(new Environment(all).token()).contains("from-home");
    write("xdg/huggingface/token", "from-xdg");
    all.put("XDG_CACHE_HOME", home.resolve("xdg").toString());
    assertThat(new Environment(all).token()).contains("from-xdg");
    write("hf/token", "  from-hf-home\r\n");
    all.put("HF_HOME", "~/hf");
    assertThat(new Environment(all).token()).contains("from-hf-home");
    write("my-token", "from-path");
    all.put("HF_TOKEN_PATH", home.resolve("my-token").toString());
    assertThat(new Environment(all).token()).contains("from-path");
    all.put("HUGGING_FACE_HUB_TOKEN", "from-old-variable");
    assertThat(new Environment(all).token()).contains("from-old-variable");
    all.put("HF_TOKEN", " from-variable ");
    assertThat(new Environment(all).token()).contains("from-variable");
  }

  @Test
  void takesAnEmptyTokenFileForNone() throws Exception {
    write(".cache/huggingface/token", "\n");
    assertThat(environment().token()).isEqualTo(Optional.empty());
  }

  @Test
  void refusesATokenThatCannotBeSentWithoutShowingIt() throws Exception {
    PullFixture.assertOneLine(() -> environment("HF_TOKEN", "hf_a\r\nX-Evil: 1").token())
        .startsWith("HF_TOKEN: ")
        .doesNotContain("hf_a");
    write(".cache/huggingface/token", "two words");
    PullFixture.assertOneLine(() -> environment().token())
        .contains("token")
        .doesNotContain("two words");
  }

  private void write(String path, String text) throws Exception {
    Path file = home.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private Environment environment(String... variables) {
    Map<String, String> map = new HashMap<>(Map.of("HOME", home.toString()));
    for (int i = 0; i < variables.length; i += 2) {
      map.put(variables[i], variables[i + 1]);
    }
    return new Environment(map);
  }
}
