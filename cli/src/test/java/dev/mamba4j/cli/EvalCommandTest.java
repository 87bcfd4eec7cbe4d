package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvalCommandTest {
  private static final String PIQA =
      """
      {"goal": "To dry a wet book,", "sol1": "close it.", "sol2": "open it.", "label": 1}
      {"goal": "To keep a door open,", "sol1": "wedge it.", "sol2": "paint it.", "label": 0}
      {"goal": "To see at night,", "sol1": "close your eyes.", "sol2": "light a lamp.", "label": 1}
      """;

  @TempDir private Path folder;

  @BeforeEach
  void writeQuestions() throws IOException {
    Files.writeString(folder.resolve("piqa_validation.jsonl"), PIQA);
    Files.writeString(folder.resolve("lambada.jsonl"), "{\"text\": \"Once upon a time\"}\n");
  }

  private Outcome eval(String options) {
    String all = "eval -m " + TinyModel.Q8_0 + " " + options.replace("DIR", folder.toString());
    return Outcome.of(all.split(" ", -1));
  }

  /** What lm_eval 0.4.13 writes with --output_path: names, order and kinds of what both have. */
  @Test
  void writesTheLayoutOfLmEval() throws IOException {
    JsonObject all = eval("--tasks piqa,lambada_openai --data DIR --limit 2 --json").json();
    assertThat(all.fields().keySet())
        .containsExactly(
            "results",
            "group_subtasks",
            "configs",
            "versions",
            "n-shot",
            "higher_is_better",
            "n-samples",
            "config",
            "date",
            "model_source",
            "model_name",
            "total_evaluation_time_seconds");
    JsonObject piqa = all.object("results").object("piqa");
    assertThat(piqa.fields().keySet())
        .containsExactly(
            "name",
            "alias",
            "sample_len",
            "acc,none",
            "acc_stderr,none",
            "acc_norm,none",
            "acc_norm_stderr,none");
    assertThat(piqa.integer("sample_len")).isEqualTo(2);
    assertThat(piqa.fields().get("acc_stderr,none")).isInstanceOf(Double.class);
    JsonObject lambada = all.object("results").object("lambada_openai");
    assertThat(lambada.fields().keySet())
        .containsExactly(
            "name",
            "alias",
            "sample_len",
            "perplexity,none",
            "perplexity_stderr,none",
            "acc,none",
            "acc_stderr,none");
    assertThat(lambada.string("acc_stderr,none")).isEqualTo("N/A"); // of a single question
    assertThat(all.object("group_subtasks").fields()).isEmpty();
    assertThat(all.object("versions").fields())
        .containsEntry("piqa", 1.0)
        .containsEntry("lambada_openai", 1.0);
    assertThat(all.object("n-shot").integer("piqa")).isZero();
    assertThat(all.object("higher_is_better").object("piqa").fields())
        .containsEntry("acc", true)
        .containsEntry("acc_norm", true);
    assertThat(all.object("higher_is_better").object("lambada_openai").fields())
        .containsEntry("perplexity", false)
        .containsEntry("acc", true);
    assertThat(all.object("n-samples").object("piqa").fields())
        .containsEntry("original", 3L)
        .containsEntry("effective", 2L);
    assertThat(all.object("config").fields()).containsEntry("limit", 2.0);
    JsonObject config = all.object("configs").object("piqa");
    assertThat(config.string("output_type")).isEqualTo("multiple_choice");
    assertThat(config.object("metadata").fields()).containsEntry("version", 1.0);
    assertThat(all.object("configs").object("lambada_openai").string("output_type"))
        .isEqualTo("loglikelihood");
    assertThat(Double.parseDouble(all.string("total_evaluation_time_seconds"))).isPositive();
  }

  @Test
  void goesOnWhereARunWasKilled() throws IOException {
    Path samples = folder.resolve("samples.out");
    String command = "--tasks piqa --data DIR --json --samples " + samples;
    JsonObject whole = eval(command).json().object("results");
    List<String> lines = Files.readAllLines(samples);
    assertThat(lines).hasSize(4);
    String torn = lines.get(0) + "\n" + lines.get(1) + "\n" + lines.get(2).substring(0, 40);
    Files.writeString(samples, torn);
    assertThat(eval(command).json().object("results").fields()).isEqualTo(whole.fields());
    assertThat(Files.readAllLines(samples)).isEqualTo(lines);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--tasks winogrande --data DIR | 1 | no file for winogrande: expected one named"
            + " winogrande*",
        "--tasks piqa --data DIR/nothing | 2 | is no folder, and no TASK=FILE with a task of"
            + " --tasks",
        "--tasks piqa --data quiz=DIR/lambada.jsonl | 2 | is no folder, and no TASK=FILE",
        "--tasks piqa,winogrande --data piqa=DIR/piqa_validation.jsonl | 2"
            + " | nothing for winogrande; give a folder, or winogrande=FILE",
        "--tasks piqa --data piqa=DIR/none.jsonl | 1 | none.jsonl: no such file",
        "--tasks piqa --data piqa=DIR/none.parquet | 1 | none.parquet: no such file",
        "--tasks piqa --data DIR,DIR | 2 | expected one folder",
        "--tasks piqa --data piqa=DIR/lambada.jsonl | 1 | line 1: field \"goal\": expected a"
            + " string",
      })
  void saysWhatIsWrongWithTheData(String options, int code, String message) {
    Outcome outcome = eval(options);
    outcome.isOneLine(code);
    assertThat(outcome.err()).contains(message);
  }

  @Test
  void takesAFolderForOneTask() throws IOException {
    Outcome outcome = eval("--tasks piqa --limit 1 --json --data piqa=DIR");
    assertThat(outcome.json().object("n-samples").object("piqa").integer("original")).isEqualTo(3);
  }
}
