package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Quantizing by plan and with an importance matrix. */
class QuantizePlanTest {
  private static final String MODEL = TinyModel.F32.toString();
  private static final Path SAMPLE = TinyModel.CHECKPOINT.resolve("sample.txt");

  @TempDir private Path folder;

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  @Test
  void anEditedPlanIsApplied() throws IOException {
    Outcome dry =
        Outcome.of(
            "quantize",
            MODEL,
            "-o",
            path("a.gguf"),
            "--type",
            "Q8_0",
            "--dry-run",
            "--plan-out",
            path("plan.json"));
    assertThat(dry.code()).as(dry.err()).isZero();
    assertThat(dry.out()).contains("blk.5.ssm_out.weight  Q8_0", "file of 40");
    assertThat(folder.resolve("a.gguf")).doesNotExist();

    String plan = Files.readString(folder.resolve("plan.json"));
    Files.writeString(
        folder.resolve("plan.json"),
        plan.replace(
            "\"blk.3.ssm_in.weight\": {\"type\":\"Q8_0\"",
            "\"blk.3.ssm_in.weight\": {\"type\":\"F16\""));
    Outcome made = Outcome.of("quantize", MODEL, "-o", path("b.gguf"), "--plan", path("plan.json"));
    assertThat(made.code()).as(made.err()).isZero();
    try (GgufFile file = GgufFile.open(folder.resolve("b.gguf"))) {
      assertThat(file.tensor("blk.3.ssm_in.weight").orElseThrow().type().name()).isEqualTo("F16");
      assertThat(file.tensor("blk.3.ssm_out.weight").orElseThrow().type().name()).isEqualTo("Q8_0");
      assertThat(file.metadata().has("mamba4j.plan.goal")).isTrue();
    }
  }

  @Test
  void anImportanceMatrixIsAppliedAndNamed() throws IOException {
    Outcome.of(
            "calibrate",
            "-m",
            MODEL,
            "-f",
            SAMPLE.toString(),
            "-o",
            path("m.gguf"),
            "--chunks",
            "1",
            "--json")
        .json();
    Outcome.of("quantize", MODEL, "-o", path("a.gguf"), "--type", "Q4_K", "--json").json();
    Outcome.of(
            "quantize",
            MODEL,
            "-o",
            path("b.gguf"),
            "--type",
            "Q4_K",
            "--calibration",
            path("m.gguf"),
            "--json")
        .json();
    try (GgufFile plain = GgufFile.open(folder.resolve("a.gguf"));
        GgufFile weighted = GgufFile.open(folder.resolve("b.gguf"))) {
      String matrix = "blk.2.ssm_out.weight";
      assertThat(
              weighted
                  .tensor(matrix)
                  .orElseThrow()
                  .data()
                  .mismatch(plain.tensor(matrix).orElseThrow().data()))
          .isNotNegative();
      assertThat(weighted.metadata().integer("quantize.imatrix.chunks_count")).isEqualTo(1);
    }
  }

  @Test
  void transformsAreNamedInTheFileAndTakeAMatrix() throws IOException {
    Outcome without =
        Outcome.of(
            "quantize", MODEL, "-o", path("a.gguf"), "--type", "Q4_K", "--transforms", "all");
    without.isOneLine(ExitCode.WRONG_USAGE);
    assertThat(without.err()).contains("--transforms takes a matrix");
    Outcome made =
        Outcome.of(
            "quantize",
            MODEL,
            "-o",
            path("a.gguf"),
            "--type",
            "Q4_K",
            "--method",
            "gptq",
            "--transforms",
            "all",
            "-f",
            SAMPLE.toString());
    assertThat(made.code()).as(made.err()).isZero();
    try (GgufFile file = GgufFile.open(folder.resolve("a.gguf"))) {
      assertThat(file.metadata().string("mamba4j.transforms")).contains("scales");
      assertThat(file.metadata().string("mamba4j.plan.method")).isEqualTo("gptq");
    }
    assertThat(names())
        .containsExactlyInAnyOrder(
            "a.gguf", TinyModel.F32.getFileName().toString().replace(".gguf", ".imatrix.gguf"));
  }

  /**
   * Killed while it measures: what is measured is kept, nothing else is left, the next one runs.
   */
  @Test
  void aKilledSearchLeavesNothingBroken() throws Exception {
    Outcome.of("calibrate", "-m", MODEL, "-f", SAMPLE.toString(), "-o", path("m.gguf"), "--json")
        .json();
    List<String> command =
        Forked.command(
            "quantize",
            MODEL,
            "-o",
            path("a.gguf"),
            "--target-bpw",
            "5",
            "--transforms",
            "scale",
            "--calibration",
            path("m.gguf"),
            "-f",
            SAMPLE.toString());
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    String cache = TinyModel.F32.getFileName().toString().replace(".gguf", ".sensitivity.json");
    while (process.isAlive() && !Files.exists(folder.resolve(cache))) {
      Thread.sleep(5);
    }
    assertThat(process.isAlive()).isTrue();
    process.destroyForcibly().waitFor();
    assertThat(names().stream().filter(name -> !name.endsWith(".partial")))
        .containsExactlyInAnyOrder("m.gguf", cache, ".a.gguf.work");
    Outcome.of("quantize", MODEL, "-o", path("a.gguf"), "--type", "Q4_K", "--json").json();
    assertThat(names()).contains("a.gguf").doesNotContain(".a.gguf.work");
  }

  @Test
  void whatAKilledOneLeftOfItsWeightsIsRemoved() throws IOException {
    Path work = Files.createDirectory(folder.resolve(".a.gguf.work"));
    Files.writeString(work.resolve("floats.gguf"), "left");
    Files.writeString(work.resolve(".floats.gguf.partial"), "left");
    assertThat(
            Outcome.of("quantize", MODEL, "-o", path("a.gguf"), "--type", "Q8_0", "--dry-run")
                .code())
        .isZero();
    assertThat(names()).containsExactly(".a.gguf.work");
    Outcome.of("quantize", MODEL, "-o", path("a.gguf"), "--type", "Q8_0", "--json").json();
    assertThat(names()).containsExactly("a.gguf");
  }

  @Test
  void transformsOfAPlanAreAppliedAgain() throws IOException {
    String matrix = matrix();
    quantize("a.gguf --type Q4_K --transforms scale", "--plan-out", matrix);
    String text = Files.readString(folder.resolve("plan.json"));
    assertThat(text).contains("\"transforms\": [\"scale\"]", "\"bytes\":");
    quantize("b.gguf", "--plan", matrix);
    try (GgufFile a = GgufFile.open(folder.resolve("a.gguf"));
        GgufFile b = GgufFile.open(folder.resolve("b.gguf"))) {
      assertThat(b.tensors()).hasSameSizeAs(a.tensors());
      for (GgufTensor tensor : a.tensors()) {
        GgufTensor other = b.tensor(tensor.name()).orElseThrow();
        assertThat(other.data().mismatch(tensor.data())).as(tensor.name()).isNegative();
      }
    }
    Outcome without =
        Outcome.of("quantize", MODEL, "-o", path("c.gguf"), "--plan", path("plan.json"));
    without.isOneLine(ExitCode.WRONG_USAGE);
    assertThat(without.err()).contains("has transforms: --calibration FILE");
  }

  @Test
  void limitsOfAPlanAreApplied() throws IOException {
    String matrix = matrix();
    quantize("a.gguf --type Q4_K", "--plan-out", matrix);
    Path plan = folder.resolve("plan.json");
    String text = Files.readString(plan);
    String limits =
        " \"clipping\": {\"out_proj\": [1.5, null, 2, null, null, 9], \"ssm_x\": [%s]},";
    String none = "null, null, null, null, null, null";
    Files.writeString(plan, text.replaceFirst("\n", "\n" + limits.formatted(none) + "\n"));
    quantize("b.gguf", "--plan", matrix);
    try (LanguageModel b = LanguageModel.open(folder.resolve("b.gguf"), ModelOptions.defaults())) {
      float infinite = Float.POSITIVE_INFINITY;
      assertThat(b.mamba2().clipping().outProj())
          .containsExactly(1.5f, infinite, 2, infinite, infinite, 9);
    }
    quantize("c.gguf --clip none", "--plan", matrix);
    assertThat(Outcome.of("inspect", path("c.gguf")).out()).doesNotContain("mamba4j.clip");
    Files.writeString(plan, text.replaceFirst("\n", "\n" + limits.formatted("1, -2") + "\n"));
    Outcome odd = Outcome.of("quantize", MODEL, "-o", path("d.gguf"), "--plan", plan.toString());
    odd.isOneLine(ExitCode.FAILED);
    assertThat(odd.err()).contains("\"ssm_x\": expected for each of 6 layers a limit above 0");
  }

  private String matrix() throws IOException {
    String file = path("m.gguf");
    Outcome.of("calibrate", "-m", MODEL, "-f", SAMPLE.toString(), "-o", file, "--json").json();
    return file;
  }

  private void quantize(String targetAndOptions, String planOption, String matrix) {
    List<String> command =
        new ArrayList<>(List.of("quantize", MODEL, "--calibration", matrix, "-o"));
    command.addAll(List.of(path(targetAndOptions).split(" ", -1)));
    command.addAll(List.of(planOption, path("plan.json")));
    Outcome made = Outcome.of(command.toArray(String[]::new));
    assertThat(made.code()).as(made.err()).isZero();
  }

  @Test
  void limitsAreMeasured() throws IOException {
    String text = path("text.txt");
    Files.writeString(Path.of(text), Files.readString(SAMPLE).repeat(5));
    String target = path("a.gguf");
    Outcome made =
        Outcome.of("quantize", MODEL, "-o", target, "--type", "Q4_K", "--clip", "auto", "-f", text);
    assertThat(made.code()).as(made.err()).isZero();
    assertThat(made.err()).contains("clipping out_proj: divergence without", "clipping ssm_x");
    assertThat(names()).containsExactlyInAnyOrder("a.gguf", "text.txt");
    Outcome few =
        Outcome.of(
            "quantize", MODEL, "-o", target, "--type", "Q4_K", "--clip", "auto", "-f", SAMPLE + "");
    few.isOneLine(ExitCode.FAILED);
    assertThat(few.err()).contains("take 8 windows of 512 tokens", "give a longer text");
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  @Test
  void aMatrixMustBeOneOfThisModel() {
    Outcome outcome =
        Outcome.of(
            "quantize", MODEL, "-o", path("a.gguf"), "--type", "Q4_K", "--calibration", MODEL);
    outcome.isOneLine(ExitCode.FAILED);
    assertThat(outcome.err()).contains("expected an importance matrix");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--target-bpw 0",
        "--target-bpw 4 --type Q4_K",
        "--target-size 12XB",
        "--max-kl -1",
        "--max-ppl-increase few",
        "--type Q4_K_X",
        "--target-bpw 4"
      })
  void wrongUsageIsOneLine(String options) {
    String[] some = options.split(" ", -1);
    String[] all = new String[some.length + 4];
    System.arraycopy(new String[] {"quantize", MODEL, "-o", path("a.gguf")}, 0, all, 0, 4);
    System.arraycopy(some, 0, all, 4, some.length);
    Outcome.of(all).isOneLine(ExitCode.WRONG_USAGE);
  }

  @Test
  void sizesAreReadAsPeopleWriteThem() {
    ByteSize sizes = new ByteSize();
    assertThat(sizes.convert("1.3GB")).isEqualTo(1_300_000_000);
    assertThat(sizes.convert("900MiB")).isEqualTo(900L << 20);
    assertThat(sizes.convert("2534080")).isEqualTo(2_534_080);
    assertThat(new Percent().convert("0.5%")).isEqualTo(0.5);
  }
}
