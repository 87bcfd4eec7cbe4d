package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.compress.calibration.ImportanceMatrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a user can get wrong with budgets, texts, matrices and plans: one line that says what to do.
 */
class QuantizeErrorsTest {
  @TempDir private Path folder;

  private String fails(int code, String... options) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "quantize", TinyModel.F32.toString(), "-o", folder.resolve("a.gguf").toString()));
    command.addAll(List.of(options));
    Outcome outcome = Outcome.of(command.toArray(String[]::new));
    outcome.isOneLine(code);
    assertThat(folder.resolve("a.gguf")).doesNotExist();
    return outcome.err();
  }

  private String file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text).toString();
  }

  /** The smallest file has every matrix in Q2_K: 84 bytes for 256 values. */
  @Test
  void aBudgetThatIsTooSmallTellsTheSmallestPossible() {
    String text = TinyModel.CHECKPOINT.resolve("sample.txt").toString();
    String size = fails(1, "--target-size", "100kB", "--method", "plain", "-f", text);
    assertThat(size).contains("as small as 100000 bytes; the smallest possible is 1");
    long matrices = 4096 * 256 + 6 * (256 * (2 * 512 + 2 * 128 + 8) + 512 * 256);
    long smallest = Long.parseLong(size.replaceAll("(?s).*possible is (\\d+) bytes.*", "$1"));
    assertThat(smallest).isBetween(matrices * 84 / 256, matrices * 84 / 256 + 500_000);
    assertThat(fails(1, "--target-bpw", "1", "--method", "plain", "-f", text))
        .contains("1.0 bits per weight; the smallest possible is ");
  }

  /** Before anything is read: the text is not there. */
  @Test
  void aBudgetThatIsTooSmallIsRefusedFirst() {
    String missing = folder.resolve("missing.txt").toString();
    assertThat(fails(1, "--target-size", "100kB", "-f", missing)).contains("the smallest possible");
    assertThat(fails(1, "--target-bpw", "1", "-f", missing)).contains("the smallest possible is ");
  }

  @Test
  void aTextThatIsTooShortTellsWhatAWindowTakes() throws IOException {
    for (String text : List.of("", "Once upon a time")) {
      String file = file("text.txt", text);
      assertThat(fails(1, "--target-bpw", "5", "--method", "plain", "-f", file))
          .contains(file, "a window takes 512; give a longer text");
    }
  }

  @Test
  void aMatrixOfAnotherModelIsToldApart() throws IOException {
    assertThat(fails(1, "--type", "Q4_K", "--calibration", matrix("blk.7.ssm_in.weight", 256)))
        .contains("another model", "blk.7.ssm_in.weight, which the model has not", "calibrate");
    assertThat(fails(1, "--type", "Q4_K", "--calibration", matrix("blk.0.ssm_in.weight", 128)))
        .contains("another model", "128 columns for tensor blk.0.ssm_in.weight, the model has 256");
  }

  private String matrix(String name, int columns) throws IOException {
    double[] sums = new double[columns];
    ImportanceMatrix.Columns squares = new ImportanceMatrix.Columns(sums, 1);
    Path file = folder.resolve("matrix.gguf");
    new ImportanceMatrix(List.of("text"), 1, 512, new TreeMap<>(Map.of(name, squares))).write(file);
    return file.toString();
  }

  @Test
  void aPlanThatCannotBeReadIsNamed() throws IOException {
    String missing = folder.resolve("missing.json").toString();
    assertThat(fails(1, "--plan", missing)).contains(missing, "no such file");
    assertThat(fails(1, "--plan", file("p.json", "{\"tensors\": ["))).contains("not valid JSON");
    assertThat(fails(1, "--plan", file("p.json", ""))).contains("expected JSON, found nothing");
    assertThat(fails(1, "--plan", file("p.json", "{}")))
        .contains("p.json: field \"tensors\": expected an object, found nothing");
  }

  @Test
  void aPlanOfOtherTensorsOrTypesIsRefused() throws IOException {
    Path plan = folder.resolve("plan.json");
    Outcome.of(
        "quantize",
        TinyModel.F32.toString(),
        "-o",
        folder.resolve("a.gguf").toString(),
        "--type",
        "Q8_0",
        "--dry-run",
        "--plan-out",
        plan.toString());
    String text = Files.readString(plan);
    String more = text.replace("\"tensors\": {", "\"tensors\": {\"blk.9.ssm_in.weight\": {},");
    assertThat(fails(1, "--plan", file("p.json", more)))
        .contains("p.json: blk.9.ssm_in.weight is not a matrix of");
    String type = text.replaceFirst("\"type\":\"Q8_0\"", "\"type\":\"Q9_9\"");
    assertThat(fails(1, "--plan", file("p.json", type)))
        .contains("\"Q9_9\" is not a type that is written; there are F32");
    String transform = text.replace("\"tensors\"", "\"transforms\": [\"rotate\"], \"tensors\"");
    assertThat(fails(1, "--plan", file("p.json", transform)))
        .contains("\"rotate\" is not a transform; there are [scale, permute]");
  }
}
