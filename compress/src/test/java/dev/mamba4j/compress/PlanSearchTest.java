package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.compress.allocation.Goal;
import dev.mamba4j.compress.allocation.PlanSearch;
import dev.mamba4j.compress.allocation.StandardSize;
import dev.mamba4j.compress.calibration.CalibrationText;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plans under budgets, on a model of two layers; divergences against a second way to get them. */
class PlanSearchTest {
  private static final int WINDOW = 32;

  @TempDir private Path folder;
  private Path original;

  /** Counts what is measured, and may stop. */
  private static final class Watcher implements PlanSearch.Listener {
    private final List<String> measured = new ArrayList<>();
    private final int most;

    Watcher(int most) {
      this.most = most;
    }

    @Override
    public boolean progress(String what, long done, long total) {
      if (!measured.contains(what)) {
        measured.add(what);
      }
      return measured.size() <= most;
    }

    @Override
    public void note(String line) {}
  }

  @BeforeEach
  void write() throws IOException {
    original = folder.resolve("original.gguf");
    Fixtures.write(Fixtures.checkpoint("native-tied-f16"), TensorType.F32, original);
  }

  private static CalibrationText text(LanguageModel model) {
    int[] tokens = new int[3 * WINDOW];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = i * 7919 % model.mamba2().config().vocabulary();
    }
    return new CalibrationText("numbers", tokens, WINDOW, 3);
  }

  private Optional<PlanSearch.Result> search(Goal goal, Watcher watcher) throws IOException {
    try (LanguageModel model = open(original, Precision.FLOAT);
        ModelSource source = ModelWriter.open(original)) {
      return PlanSearch.run(
          model,
          source,
          Optional.empty(),
          new RoundToNearest(),
          text(model),
          goal,
          folder,
          folder.resolve("cache.json"),
          watcher);
    }
  }

  private PlanSearch.Result search(Goal goal) throws IOException {
    return search(goal, new Watcher(Integer.MAX_VALUE)).orElseThrow();
  }

  private static LanguageModel open(Path file, Precision precision) throws IOException {
    return LanguageModel.open(file, ModelOptions.defaults().withPrecision(precision));
  }

  private Path write(Plan plan) throws IOException {
    Path file = folder.resolve("made.gguf");
    try (ModelSource source = ModelWriter.open(original)) {
      ModelWriter.write(source, plan, file, ModelWriter.Progress.NONE);
    }
    return file;
  }

  /** The mean divergence over the second halves of the windows, by single steps. */
  private double divergence(Path file) throws IOException {
    try (LanguageModel exact = open(original, Precision.FLOAT);
        LanguageModel other = open(file, Precision.FAST)) {
      List<float[]> base = logits(exact.mamba2(), text(exact));
      List<float[]> given = logits(other.mamba2(), text(exact));
      double sum = 0;
      for (int i = 0; i < base.size(); i++) {
        sum += LogProbabilities.divergence(base.get(i), given.get(i), base.get(i).length);
      }
      return sum / base.size();
    }
  }

  private static List<float[]> logits(Mamba2 model, CalibrationText text) {
    List<float[]> all = new ArrayList<>();
    for (int i = 0; i < text.windows(); i++) {
      try (Mamba2State state = model.newState()) {
        for (int position = 0; position + 1 < WINDOW; position++) {
          float[] logits = new float[model.config().vocabulary()];
          model.step(state, text.window(i)[position], logits);
          if (position >= WINDOW / 2) {
            all.add(logits);
          }
        }
      }
    }
    return all;
  }

  @Test
  void theBestPlanOfASizeHasThatSizeAndTheDivergenceThatItTells() throws IOException {
    long limit = 230_000;
    PlanSearch.Result found = search(new Goal.FileSize(limit, "230 kB"));
    Path file = write(found.plan());
    assertThat(Files.size(file)).isEqualTo(found.fileBytes()).isLessThanOrEqualTo(limit);
    assertThat(divergence(file)).isCloseTo(found.divergence().mean(), within(1e-5));
  }

  @Test
  void aMixIsBetterThanOneTypeOfItsSize() throws IOException {
    try (ModelSource source = ModelWriter.open(original)) {
      Plan plain = Plan.uniform(source, TensorType.Q5_0, TensorType.Q5_0);
      Path file = write(plain);
      double uniform = divergence(file);
      PlanSearch.Result found = search(new Goal.FileSize(Files.size(file), ""));
      assertThat(found.divergence().mean()).isLessThanOrEqualTo(uniform);
    }
  }

  @Test
  void fewerBitsCostMore() throws IOException {
    PlanSearch.Result six = search(new Goal.BitsPerWeight(7));
    PlanSearch.Result nine = search(new Goal.BitsPerWeight(9.5));
    assertThat(nine.divergence().mean()).isLessThan(six.divergence().mean());
    assertThat(nine.fileBytes()).isGreaterThan(six.fileBytes());
    try (ModelSource source = ModelWriter.open(original)) {
      assertThat(8.0 * ModelWriter.tensorBytes(source, six.plan()) / ModelWriter.values(source))
          .isBetween(6.0, 7.0);
    }
  }

  @Test
  void keepsToABoundOfDivergence() throws IOException {
    double bound = search(new Goal.BitsPerWeight(8)).divergence().mean();
    PlanSearch.Result found = search(new Goal.MaxDivergence(2 * bound));
    assertThat(found.divergence().mean()).isLessThanOrEqualTo(2 * bound);
    assertThat(found.fileBytes())
        .isLessThanOrEqualTo(search(new Goal.BitsPerWeight(8)).fileBytes());
  }

  @Test
  void stoppedWorkKeepsWhatItHasMeasured() throws IOException {
    Goal goal = new Goal.BitsPerWeight(8);
    assertThat(search(goal, new Watcher(3))).isEmpty(); // the text, and two measurements
    Watcher second = new Watcher(Integer.MAX_VALUE);
    search(goal, second);
    Watcher third = new Watcher(Integer.MAX_VALUE);
    search(goal, third);
    assertThat(second.measured).hasSizeGreaterThan(third.measured.size());
    assertThat(third.measured).containsExactly("reading the text", "trying exchanges");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("original.gguf", "cache.json"); // the scratch file is gone
    }
  }

  @Test
  void tellsTheSmallestPossible() {
    assertThatThrownBy(() -> search(new Goal.FileSize(10_000, "tiny")))
        .isInstanceOf(FormatException.class)
        .hasMessageMatching(
            ".*cannot be made as small as 10000 bytes; the smallest possible is \\d+ bytes");
    assertThatThrownBy(() -> search(new Goal.BitsPerWeight(1.5)))
        .isInstanceOf(FormatException.class)
        .hasMessageMatching(".*1.5 bits per weight; the smallest possible is \\d\\.\\d+");
  }

  @Test
  void standardNamesAreSizes() throws IOException {
    try (ModelSource source = ModelWriter.open(Fixtures.checkpoint("tiny"))) {
      long small = size("Q4_K_S", source);
      long medium = size("q4_k_m", source);
      long large = size("Q4_K_L", source);
      assertThat(small).isLessThan(medium);
      assertThat(medium).isLessThan(large);
      // What llama-quantize writes for Q4_K_M, but for the name of the matrix in its header.
      assertThat(medium).isCloseTo(2_533_824L, within(64L));
      assertThat(StandardSize.goal("Q4_K", source)).isEmpty();
      assertThat(StandardSize.goal("Q8_0", source)).isEmpty();
    }
  }

  private static long size(String name, ModelSource source) throws IOException {
    return ((Goal.FileSize) StandardSize.goal(name, source).orElseThrow()).bytes();
  }

  @Test
  void aPlanFileGivesThePlanBack() throws IOException {
    Path file = folder.resolve("plan.json");
    PlanSearch.Result found = search(new Goal.BitsPerWeight(8));
    try (ModelSource source = ModelWriter.open(original)) {
      PlanFile.write(file, source, found.plan());
      assertThat(PlanFile.read(file, source)).isEqualTo(found.plan());
      String text = Files.readString(file);
      Files.writeString(file, text.replaceFirst("token_embd.weight", "output.weight"));
      assertThatThrownBy(() -> PlanFile.read(file, source))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("token_embd.weight: the plan does not name it");
      Files.writeString(file, text.replaceFirst("\"type\":\"[^\"]*\"", "\"type\":\"Q4_K\""));
      assertThatThrownBy(() -> PlanFile.read(file, source))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("are not whole Q4_K blocks of 256; choose another type");
      Files.writeString(file, text.replaceFirst("\"type\":\"[^\"]*\"", "\"type\":\"INT4\""));
      assertThatThrownBy(() -> PlanFile.read(file, source))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("\"INT4\" is not a type that is written; there are F32");
    }
  }
}
