package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UsageTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "convert",
        "quantize",
        "generate",
        "chat",
        "sessions",
        "score",
        "perplexity",
        "report",
        "reproduce",
        "inspect",
        "pull",
        "doctor"
      })
  void everyCommandExplainsItself(String command) {
    for (String help : List.of("-h", "--help")) {
      Outcome outcome = Outcome.of(command, help);
      assertThat(outcome.code()).isZero();
      assertThat(outcome.err()).isEmpty();
      assertThat(outcome.out()).startsWith("Usage: mamba4j " + command).contains("--help");
      assertThat(outcome.out().lines()).allMatch(line -> line.length() <= 100);
    }
    assertThat(Outcome.of("--help").out()).contains("  " + command);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--temp -1", "--top-k -1", "--repeat-last-n -2", "-n -1"})
  void anOptionOutOfRangeIsNamedAsItWasGiven(String option) {
    Outcome outcome = Outcome.of(("generate -m m.gguf -p a " + option).split(" ", -1));
    assertThat(outcome.err()).contains(option.substring(0, option.indexOf(' ')) + " must be ");
  }

  @Test
  void theVersionNamesOursAndJavas() {
    Outcome outcome = Outcome.of("--version");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out()).startsWith("mamba4j ").contains("Java " + Runtime.version());
  }

  @Test
  void withoutACommandTheHelpGoesToStandardError() {
    Outcome outcome = Outcome.of();
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).startsWith("Usage: mamba4j");
    assertThat(outcome.out()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "frobnicate",
        "generate",
        "generate -m",
        "generate -m -p text",
        "generate -m m.gguf",
        "generate -m m.gguf -p a -f b",
        "generate -m m.gguf -p a rest",
        "generate -m m.gguf -p a --frobnicate",
        "generate -m m.gguf -p a -n -1",
        "generate -m m.gguf -p a -n many",
        "generate -m m.gguf -p a -t 0",
        "generate -m m.gguf -p a -t 5000",
        "generate -m m.gguf -p a --temp -1",
        "generate -m m.gguf -p a --temp NaN",
        "generate -m m.gguf -p a --top-k -1",
        "generate -m m.gguf -p a --top-p 1.5",
        "generate -m m.gguf -p a --min-p -0.1",
        "generate -m m.gguf -p a --repeat-penalty 0",
        "generate -m m.gguf -p a --repeat-last-n -2",
        "generate -m m.gguf -p a --seed x",
        "generate -m m.gguf -p a --stop=",
        "generate -m m.gguf -p a --precision double",
        "chat -m m.gguf -n 0",
        "score -m m.gguf",
        "score -m m.gguf --tokens 1,x",
        "score -m m.gguf -p a --top 0",
        "perplexity -m m.gguf",
        "perplexity -m m.gguf -f a --save",
        "perplexity -m m.gguf --kl-base b --save",
        "perplexity -m m.gguf -f a --kl-base b",
        "perplexity -m m.gguf --kl-base b --ctx 512",
        "perplexity -m m.gguf -f a --ctx 3",
        "perplexity -m m.gguf -f a --chunks 0",
        "report",
        "report a.gguf --chunks 0",
        "report a.gguf -r 0",
        "report a.gguf --limit 0",
        "report a.gguf --prompt=",
        "report a.gguf --tasks piqa",
        "report a.gguf -o r.html --json r.html",
        "report a.gguf --types Q8_0",
        "reproduce",
        "reproduce --model m",
        "reproduce --model m --data . --types Q4_0",
        "quantize a.gguf --type Q8_0",
        "quantize a.gguf -o b.gguf",
        "convert a -o b.gguf --type Q8_0",
        "inspect",
        "inspect a b",
        "pull a/b/c",
        "pull"
      })
  void wrongUsageIsOneLineThatPointsToTheHelp(String arguments) {
    Outcome outcome = Outcome.of(arguments.split(" ", -1));
    outcome.isOneLine(2);
    assertThat(outcome.err()).contains("(see mamba4j").contains("--help)");
  }

  @Test
  void anUnknownCommandBringsTheOneThatWasMeant() {
    assertThat(Outcome.of("generat").err()).contains("'generat'", "did you mean generate?");
  }

  @Test
  void anUnsupportedTypeBringsThoseThatAre() {
    Outcome outcome = Outcome.of("quantize", "a.gguf", "-o", "b.gguf", "--type", "Q9");
    assertThat(outcome.err()).contains("\"Q9\"", "F32", "F16", "BF16", "Q8_0");
  }

  @Test
  void aFileNameThatStartsWithAtIsJustText() {
    assertThat(Outcome.of("inspect", "@nosuch").err()).contains("@nosuch: no such file");
  }

  @Test
  void aBadNumberOfThreadsInTheEnvironmentIsWrongUsage(@TempDir Path folder) throws Exception {
    Outcome outcome =
        Forked.run(
            folder,
            Map.of("MAMBA4J_THREADS", "lots"),
            Forked.command("generate", "-m", "m.gguf", "-p", "a"));
    outcome.isOneLine(2);
    assertThat(outcome.err()).contains("MAMBA4J_THREADS", "\"lots\"");
  }
}
