package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.engine.tokenizer.TokenizerData;
import dev.mamba4j.formats.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateCommandTest {
  private static final String PROMPT = "Once upon a time";

  @TempDir private Path folder;

  private static Outcome generate(String... more) {
    return withInput("", more);
  }

  private static Outcome withInput(String input, String... more) {
    List<String> arguments = new ArrayList<>(List.of("generate", "-m", TinyModel.F32.toString()));
    arguments.addAll(Arrays.asList(more));
    return Outcome.withInput(input, arguments.toArray(String[]::new));
  }

  @Test
  void greedyTextIsThatOfTheReference() throws IOException {
    Tokenizer tokenizer =
        Tokenizer.of(TokenizerData.fromHuggingFace(TinyModel.CHECKPOINT.resolve("tokenizer.json")));
    JsonObject prompts = TinyModel.reference("greedy.json");
    for (String prompt : prompts.fields().keySet()) {
      List<?> expected = prompts.object(prompt).list("greedy");
      int[] ids = expected.stream().mapToInt(id -> ((Long) id).intValue()).toArray();
      String[] options = {"-p", prompt, "-n", "64", "--temp", "0", "--ignore-eos"};
      Outcome plain = generate(options);
      assertThat(plain.code()).isZero();
      assertThat(plain.out()).isEqualTo(prompt + tokenizer.decode(ids) + "\n");
      String[] asJson = Arrays.copyOf(options, options.length + 1);
      asJson[options.length] = "--json";
      assertThat(generate(asJson).json().list("tokens")).isEqualTo(expected);
    }
  }

  @Test
  void theSameSeedGivesTheSameTextAndAnotherSeedAnother() {
    String first = generate("-p", PROMPT, "-n", "20", "--seed", "7", "-t", "1").out();
    assertThat(generate("-p", PROMPT, "-n", "20", "--seed", "7", "-t", "2").out()).isEqualTo(first);
    assertThat(generate("-p", PROMPT, "-n", "20", "--seed", "8").out()).isNotEqualTo(first);
  }

  @Test
  void theSeedThatIsToldGivesTheTextAgain() throws IOException {
    JsonObject first = generate("-p", PROMPT, "-n", "20", "--json").json();
    String seed = Long.toString(first.integer("seed"));
    JsonObject again = generate("-p", PROMPT, "-n", "20", "--seed", seed, "--json").json();
    assertThat(again.string("text")).isEqualTo(first.string("text"));
  }

  @Test
  void jsonTellsTextTokensReasonAndSpeed() throws IOException {
    JsonObject result =
        generate("-p", PROMPT, "-n", "8", "--temp", "0", "--seed", "3", "--json").json();
    assertThat(result.fields().keySet())
        .containsExactly(
            "text",
            "tokens",
            "reason",
            "prompt_tokens",
            "prompt_seconds",
            "prompt_tokens_per_second",
            "generated_tokens",
            "seconds",
            "tokens_per_second",
            "seed",
            "peak_rss_mib");
    assertThat(result.string("text")).isEqualTo(", there was a little girl named");
    assertThat(result.list("tokens")).hasSize(8);
    assertThat(result.string("reason")).isEqualTo("length");
    assertThat(result.integer("prompt_tokens")).isEqualTo(5);
    assertThat(result.integer("generated_tokens")).isEqualTo(8);
    assertThat(result.integer("seed")).isEqualTo(3);
    assertThat(result.number("tokens_per_second", 0)).isPositive();
  }

  @Test
  void aStopTextEndsTheTextBeforeIt() throws IOException {
    String[] options = {"-p", PROMPT, "--temp", "0", "--stop", "dragon", "--stop", " girl", ""};
    options[8] = "--no-echo";
    Outcome outcome = generate(options);
    assertThat(outcome.out()).isEqualTo(", there was a little\n");
    assertThat(outcome.err()).contains("ended by stop");
    options[8] = "--json";
    assertThat(generate(options).json().string("reason")).isEqualTo("stop");
  }

  @Test
  void speedsAndSeedGoToStandardError() {
    Outcome outcome = generate("-p", PROMPT, "-n", "4", "--seed", "1");
    assertThat(outcome.err())
        .matches(
            "prompt: 5 tokens, [0-9.]+ tokens/s; generated: 4 tokens, [0-9.]+ tokens/s,"
                + " ended by length; seed 1\n");
  }

  @Test
  void thePromptComesFromAFileOrStandardInput() throws IOException {
    String[] rest = {"-n", "4", "--temp", "0"};
    String expected = generate("-p", PROMPT, "-n", "4", "--temp", "0").out();
    // Editors and echo put a line end after it.
    Path file = Files.writeString(folder.resolve("prompt.txt"), PROMPT + "\n");
    assertThat(generate("-f", file.toString(), rest[0], rest[1], rest[2], rest[3]).out())
        .isEqualTo(expected);
    assertThat(withInput(PROMPT + "\n", "-p", "-", "-n", "4", "--temp", "0").out())
        .isEqualTo(expected);
  }

  @Test
  void anEmptyPromptStartsAText() throws IOException {
    Outcome outcome = generate("-p", "", "-n", "4", "--temp", "0", "--json");
    assertThat(outcome.json().list("tokens")).hasSize(4);
    assertThat(outcome.json().integer("prompt_tokens")).isZero();
  }

  @Test
  void noTokensAreGeneratedForZero() throws IOException {
    assertThat(generate("-p", PROMPT, "-n", "0").out()).isEqualTo(PROMPT + "\n");
  }

  @Test
  void textThatIsNotUtf8IsRefusedWithItsPlace() throws IOException {
    Path file = folder.resolve("latin1.txt");
    Files.write(file, "caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    Outcome outcome = generate("-f", file.toString());
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("latin1.txt: not UTF-8 text: byte 3 is 0xe9");
  }

  @Test
  void anInterruptedGenerationPrintsWhatThereIs() {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console[] console = new Console[1];
    ByteArrayOutputStream out =
        new ByteArrayOutputStream() {
          @Override
          public synchronized void write(byte[] bytes, int offset, int length) {
            super.write(bytes, offset, length);
            if (size() > 40) {
              console[0].interruption().request();
            }
          }
        };
    console[0] = new Console(new ByteArrayInputStream(new byte[0]), out, err, List.of());
    int code =
        Main.run(
            console[0],
            "generate",
            "-m",
            TinyModel.F32.toString(),
            "-p",
            PROMPT,
            "-n",
            "10000",
            "--temp",
            "0",
            "--ignore-eos");
    assertThat(code).isEqualTo(130);
    assertThat(out.toString(StandardCharsets.UTF_8))
        .startsWith(PROMPT + ", there was a little")
        .endsWith("\n");
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("ended by interrupted");
  }
}
