package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the command says before it listens; the port is taken, so it ends there. */
class ServeCommandTest {
  @TempDir private Path folder;

  @Test
  void saysAtOnceThatATemplateIsOfNoUse() throws IOException {
    for (String name : List.of("config.json", "pytorch_model.bin", "tokenizer.json")) {
      Files.copy(TinyModel.CHECKPOINT.resolve(name), folder.resolve(name));
    }
    Files.writeString(folder.resolve("chat_template.jinja"), "{% if %}");
    String file = folder.resolve("broken.gguf").toString();
    assertThat(Outcome.of("quantize", folder.toString(), "-o", file, "--type", "Q8_0").code())
        .isZero();
    String other = Files.writeString(folder.resolve("other.jinja"), "{{ messages }}").toString();

    assertThat(serve(file).err().lines())
        .first()
        .asString()
        .endsWith(
            "broken.gguf: chat template, line 1: expected a value, found '%}'; chats will be"
                + " refused, completions work; give another with --chat-template");
    serve(file, "--chat-template", other).isOneLine(1);
    assertThat(serve(file, "--chat-template", other).err()).contains("cannot listen at");
    assertThat(serve(file, "--chat-template", folder.resolve("no.jinja").toString()).err())
        .contains("no.jinja is no file, and no template of the model");
  }

  private static Outcome serve(String file, String... more) throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      List<String> command = new ArrayList<>(List.of("serve", "-m", file));
      command.addAll(List.of("--port", String.valueOf(taken.getLocalPort())));
      command.addAll(List.of(more));
      return Outcome.of(command.toArray(String[]::new));
    }
  }
}
