package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportCommandTest {
  private static final String TEXT = TinyModel.CHECKPOINT.resolve("sample.txt").toString();

  @TempDir private Path folder;

  @Test
  void measuresFilesOnceAndWritesThePageAndItsNumbers() throws IOException {
    Path data = Files.createDirectory(folder.resolve("data"));
    Files.writeString(
        data.resolve("piqa.jsonl"),
        "{\"goal\":\"To eat soup\",\"sol1\":\"take a spoon\",\"sol2\":\"take a"
            + " fork\",\"label\":0}\n");
    Path page = folder.resolve("tiny.html");
    String[] command = {
      "report",
      TinyModel.F32.toString(),
      TinyModel.Q8_0.toString(),
      "--text",
      TEXT,
      "--chunks",
      "1",
      "--data",
      data.toString(),
      "-n",
      "4",
      "-r",
      "1",
      "-o",
      page.toString()
    };
    Outcome first = Outcome.of(command);
    assertThat(first.code()).as(first.err()).isZero();
    assertThat(first.err()).contains("tiny-Q8_0: divergence", "wrote " + page);

    JsonObject report = Json.read(folder.resolve("tiny.json"));
    assertThat(report.string("command")).startsWith("mamba4j report /");
    JsonObject base = JsonObject.of("base", report.list("models").getFirst());
    JsonObject model = JsonObject.of("model", report.list("models").getLast());
    assertThat(model.string("name")).isEqualTo("Q8_0");
    assertThat(model.integer("file_bytes")).isEqualTo(Files.size(TinyModel.Q8_0));
    JsonObject perplexity =
        Outcome.of(
                "perplexity",
                "-m",
                TinyModel.Q8_0.toString(),
                "-f",
                TEXT,
                "--chunks",
                "1",
                "--json")
            .json();
    JsonObject quality = model.object("quality");
    assertThat(quality.number("ppl", 0)).isCloseTo(perplexity.number("ppl", 0), within(1e-6));
    assertThat(quality.number("ppl_increase", 9))
        .isCloseTo(
            quality.number("ppl", 0) / base.object("quality").number("ppl", 0) - 1, within(1e-4));
    assertThat(quality.number("mean_kld", 0)).isBetween(1e-5, 0.05);
    assertThat(model.object("tasks").object("piqa").integer("questions")).isEqualTo(1);
    JsonObject generated =
        Outcome.of(
                "generate",
                "-m",
                TinyModel.Q8_0.toString(),
                "-p",
                "Once upon a time",
                "-n",
                "4",
                "--temp",
                "0",
                "--json")
            .json();
    assertThat(model.object("sample").string("text")).isEqualTo(generated.string("text"));
    assertThat(model.object("memory").integer("peak_bytes"))
        .isGreaterThan(Files.size(TinyModel.Q8_0));
    assertThat(model.object("start").number("seconds", 0)).isBetween(0.05, 60.0);
    assertThat(Files.readString(page)).contains("<svg", "Once upon a time", "tiny: what");
    assertThat(folder.resolve("tiny.steps/base.kld")).doesNotExist();

    Path log = folder.resolve("tiny.steps/steps.jsonl");
    List<String> lines = Files.readAllLines(log);
    lines.removeLast();
    Files.write(log, lines);
    Files.writeString(log, "{\"step\":[\"cut sh", StandardOpenOption.APPEND);
    Outcome second = Outcome.of(command);
    assertThat(second.code()).as(second.err()).isZero();
    assertThat(second.err().lines()).as("one step and where the result is").hasSize(2);
    JsonObject again = Json.read(folder.resolve("tiny.json"));
    assertThat(JsonObject.of("base", again.list("models").getFirst()).fields())
        .isEqualTo(base.fields());
  }

  @Test
  void whatAMeasurementComplainsOfIsOneLine() throws IOException {
    Path text = Files.writeString(folder.resolve("short.txt"), "Too short.");
    Outcome outcome =
        Outcome.of(
            "report",
            TinyModel.Q8_0.toString(),
            "--text",
            text.toString(),
            "-o",
            folder.resolve("r.html").toString());
    assertThat(outcome.code()).isEqualTo(ExitCode.FAILED);
    assertThat(outcome.err().lines().filter(line -> line.startsWith("mamba4j: ")))
        .singleElement()
        .asString()
        .contains("perplexity failed", "a window takes 512");
  }

  @Test
  void aCheckpointNeedsTypes() {
    Outcome.of("report", TinyModel.CHECKPOINT.toString(), "-o", folder.resolve("r.html").toString())
        .isOneLine(ExitCode.WRONG_USAGE);
    Outcome mix =
        Outcome.of(
            "report",
            TinyModel.CHECKPOINT.toString(),
            "--types",
            "Q4_K_M",
            "-o",
            folder.resolve("r.html").toString());
    mix.isOneLine(ExitCode.WRONG_USAGE);
    assertThat(mix.err()).contains("--text");
  }

  @Test
  void publishedFiguresAreComparedWithTheFileInInt8() throws IOException {
    List<PublishedFigures.Claim> claims =
        PublishedFigures.compare(
            JsonObject.of(
                    "document",
                    Json.parse(
                        """
                        {"models": [
                          {"type": "F16", "tasks": {"piqa": {"acc": 0.8, "acc_stderr": 0.01},
                            "arc_easy": {"acc": 0.5, "acc_stderr": 0.01}}},
                          {"type": "Q4_K"},
                          {"type": "Q8_0", "weights": 2700000000, "speed": {"decode": {"tokens_per_second": 5.5}},
                           "memory": {"peak_bytes": 2900000000},
                           "tasks": {"piqa": {"acc": 0.78, "questions": 1838},
                            "arc_easy": {"acc": 0.4, "questions": 2376}}}]}
                        """,
                        "document"))
                .fields());
    assertThat(claims)
        .extracting(PublishedFigures.Claim::met)
        .containsExactly(true, false, false, null, null, true);
    assertThat(claims.get(2).measured()).as("arc_easy").isCloseTo(0.2, within(1e-9));
    assertThat(PublishedFigures.table(claims)).contains("met", "missed", "not compared", "1838");
  }
}
