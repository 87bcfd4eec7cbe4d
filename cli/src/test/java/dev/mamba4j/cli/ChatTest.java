package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.GenerationOptions;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Session;
import dev.mamba4j.engine.SessionFolder;
import dev.mamba4j.engine.sampling.SamplingOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTest {
  @TempDir private Path sessions;

  /** Drawn with a seed: greedy answers of the small model are the same for many transcripts. */
  private static final GenerationOptions ANSWER =
      new GenerationOptions(
          40, SamplingOptions.builder().temperature(1).seed(1).build(), List.of(), false);

  private static final String LATE =
      """
      {%- if messages[0].role == 'system' -%}
      {%- set system = messages[0].content %}{% set messages = messages[1:] %}
      {%- endif %}
      {%- for m in messages %}
      {%- if loop.last and system is defined %}{{ '[' ~ system ~ '] ' }}{% endif %}
      {{- m.content ~ (' = ' if m.role == 'user' else '\\n') }}
      {%- endfor %}
      """;

  private static final String[] CHAT = {
    "chat", "-m", TinyModel.F32.toString(), "-n", "12", "--temp", "0"
  };

  @Test
  void eachPipedLineGetsAnAnswer() {
    Outcome outcome = Outcome.withInput("Hello\n\nWho are you?\n", CHAT);
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out().lines().count()).isGreaterThanOrEqualTo(2);
    assertThat(outcome.err()).isEmpty();
  }

  @Test
  void answersContinueTheTranscript() throws IOException {
    try (LanguageModel model = LanguageModel.open(TinyModel.F32, ModelOptions.defaults());
        Conversation conversation =
            new Conversation(model, model.chatFormat(), ANSWER, "A story.");
        Session session = model.newSession()) {
      session.read("A story.\n\nUser: Hello\nAssistant:");
      String first = session.generate(ANSWER).text();
      assertThat(conversation.answer("Hello", Session.TextListener.NONE).text()).isEqualTo(first);
      String second =
          continued(
              model,
              "A story.\n\nUser: Hello\nAssistant: "
                  + first.strip()
                  + "\nUser: And then?\nAssistant:");
      assertThat(conversation.answer("And then?", Session.TextListener.NONE).text())
          .isEqualTo(second);
      conversation.reset();
      assertThat(conversation.answer("Hello", Session.TextListener.NONE).text()).isEqualTo(first);
    }
  }

  private static String continued(LanguageModel model, String text) throws IOException {
    try (Session session = model.newSession()) {
      session.read(text);
      return session.generate(ANSWER).text();
    }
  }

  /** As in models that follow a system text best where it stands last. */
  @Test
  void theModelReadsTheWholeTextOfATemplateThatWritesEarlierTurnsOtherwise() throws IOException {
    SessionFolder folder = new SessionFolder(sessions);
    try (LanguageModel model = LanguageModel.open(TinyModel.F32, ModelOptions.defaults())) {
      ChatFormat format = ChatFormat.of(model.tokenizer(), LATE);
      Conversation conversation = new Conversation(model, format, ANSWER, "Be kind.");
      String said = "";
      for (String message : List.of("Hello", "And then?", "Why?", "Who?")) {
        String answer = conversation.answer(message, Session.TextListener.NONE).text();
        List<Integer> read = conversation.session().tokens();
        assertThat(model.tokenizer().decode(read.stream().mapToInt(id -> id).toArray()))
            .isEqualTo(said + "[Be kind.] " + message + " = " + answer);
        said += message + " = " + answer.stripLeading() + "\n";
        if (message.equals("Why?")) { // another time it goes on
          folder.save(conversation.session(), "late");
          conversation.close();
          Session kept = folder.open(model, "late").orElseThrow();
          conversation = new Conversation(model, format, ANSWER, kept);
        }
      }
      conversation.close();
    }
  }

  @Test
  void aTemplateThatIsNotThereIsTold() throws IOException {
    Outcome none = Outcome.withInput("Hello\n", with(CHAT, "--chat-template", "rag"));
    none.isOneLine(2);
    assertThat(none.err())
        .contains("--chat-template: rag is no file, and no template of the model")
        .contains("it has none under a name");
    Path broken = Files.writeString(sessions.resolve("broken.jinja"), "{% if %}");
    Outcome refused =
        Outcome.withInput("Hello\n", with(CHAT, "--chat-template", broken.toString()));
    refused.isOneLine(1);
    assertThat(refused.err()).contains("chat template, line 1: expected a value, found '%}'");
  }

  @Test
  void aSessionGoesOnAsIfItHadNeverEnded() {
    String atOnce = Outcome.withInput("Hello\nAnd then?\nWhy?\n", CHAT).out();
    String parts =
        inSession("pets", "Hello\n").out() + inSession("pets", "And then?\nWhy?\n").out();
    assertThat(parts).isEqualTo(atOnce);
    String[] place = {"sessions", "--session-folder", sessions.toString()};
    assertThat(Outcome.of(place).out()).contains("pets");
    assertThat(Outcome.of(with(place, "--delete", "pets")).code()).isZero();
    assertThat(Outcome.of(with(place, "--json")).out()).isEqualTo("[]\n");
    Outcome again = Outcome.of(with(place, "--delete", "pets"));
    assertThat(again.code()).isEqualTo(2);
    assertThat(again.err()).contains("there is no session \"pets\"");
  }

  @Test
  void aSessionThatCannotBeIsTold() throws IOException {
    assertThat(inSession("../pets", "Hello\n").err()).contains("the name of a session must be");
    Files.writeString(sessions.resolve("broken.gguf"), "no session");
    Outcome broken = inSession("broken", "Hello\n");
    assertThat(broken.code()).isEqualTo(1);
    assertThat(broken.err()).contains("broken.gguf").doesNotContain("Exception");
    inSession("tales", "Hello\n");
    Outcome late =
        Outcome.withInput(
            "Hello\n",
            with(
                CHAT,
                "--session",
                "tales",
                "--session-folder",
                sessions.toString(),
                "--system",
                "Late."));
    assertThat(late.code()).isEqualTo(2);
    assertThat(late.err()).contains("session \"tales\" has").contains("tokens already");
    Outcome other =
        Outcome.withInput(
            "Hello\n",
            "chat",
            "-m",
            TinyModel.Q8_0.toString(),
            "--session",
            "tales",
            "--session-folder",
            sessions.toString());
    assertThat(other.code()).isEqualTo(1);
    assertThat(other.err()).contains("belongs to another model");
  }

  private Outcome inSession(String name, String input) {
    return Outcome.withInput(
        input, with(CHAT, "--session", name, "--session-folder", sessions.toString()));
  }

  private static String[] with(String[] command, String... more) {
    return Stream.concat(Arrays.stream(command), Arrays.stream(more)).toArray(String[]::new);
  }

  @Test
  void commandsBeginWithASlash() {
    Outcome outcome = Outcome.withInput("/help\n/dance\n/reset\n/exit\nnever read\n", CHAT);
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).contains("/reset forgets", "/dance is not a command");
  }

  @Test
  void aTerminalGivesEditedLinesUntilCtrlD() throws Exception {
    Console console = console();
    try (PipedOutputStream keyboard = new PipedOutputStream();
        TerminalChatInput input = new TerminalChatInput(console, terminal(keyboard))) {
      type(keyboard, "Hellp\bo\r");
      assertThat(input.readLine()).contains("Hello");
      type(keyboard, "\004");
      assertThat(input.readLine()).isEmpty();
    }
    assertThat(console.interruption().requested()).isFalse();
  }

  @Test
  void ctrlCEndsTheAnswerAndThenTheChat() throws Exception {
    Console console = console();
    try (PipedOutputStream keyboard = new PipedOutputStream();
        Terminal terminal = terminal(keyboard);
        TerminalChatInput input = new TerminalChatInput(console, terminal)) {
      type(keyboard, "Hello\r");
      assertThat(input.readLine()).contains("Hello");
      assertThat(input.stopsAnswer()).isFalse();
      terminal.raise(Terminal.Signal.INT);
      assertThat(input.stopsAnswer()).isTrue();
      type(keyboard, "\003");
      assertThat(input.readLine()).isEmpty();
    }
    assertThat(console.interruption().requested()).isTrue();
  }

  /** Types when the reader has had time to wait for it. */
  private static void type(PipedOutputStream keyboard, String text) {
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                Thread.sleep(300);
                keyboard.write(text.getBytes(StandardCharsets.UTF_8));
                keyboard.flush();
                Thread.sleep(5000); // a pipe breaks when its writer ends
              } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
              }
            });
  }

  private static Console console() {
    return new Console(
        new ByteArrayInputStream(new byte[0]),
        new ByteArrayOutputStream(),
        new ByteArrayOutputStream(),
        List.of("in", "out", "err"));
  }

  private static Terminal terminal(PipedOutputStream keyboard) throws IOException {
    return TerminalBuilder.builder()
        .system(false)
        .streams(new PipedInputStream(keyboard), new ByteArrayOutputStream())
        .type("ansi")
        .encoding(StandardCharsets.UTF_8)
        .build();
  }
}
