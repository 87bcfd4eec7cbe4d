package dev.mamba4j.evaluate.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Precision;
import dev.mamba4j.evaluate.TinyModel;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What an independent implementation of the model makes of small tasks, beside the repository. */
class ReferenceTasksTest {
  private static final Path DATA = TinyModel.shared("data/tiny");
  private static final Path FIGURES = TinyModel.shared("reference/tiny/tasks.json");
  private static final Path MODEL = TinyModel.shared("reference/tiny/gguf/F16.gguf");

  @Test
  void givesTheFiguresOfTheReference() throws IOException {
    assumeTrue(Files.exists(FIGURES) && Files.exists(DATA), "no small tasks in " + DATA);
    JsonObject figures = Json.read(FIGURES);
    try (LanguageModel model = TinyModel.open(MODEL, Precision.FLOAT)) {
      JsonObject hellaswag = figures.object("hellaswag");
      TaskResult given = run(model, "hellaswag", "hellaswag.jsonl");
      assertThat(value(given, Metric.ACC))
          .isCloseTo(hellaswag.number("hellaswag_acc", 0), within(1e-9));
      assertThat(value(given, Metric.ACC_NORM))
          .isCloseTo(hellaswag.number("hellaswag_acc_norm", 0), within(1e-9));

      JsonObject lambada = figures.object("lambada");
      given = run(model, "lambada_openai", "lambada.jsonl");
      assertThat(value(given, Metric.ACC))
          .isCloseTo(lambada.number("lambada_acc", 0), within(1e-9));
      assertThat(value(given, Metric.PERPLEXITY))
          .isCloseTo(lambada.number("lambada_ppl", 0), withinPercentage(0.01));
    }
  }

  private static TaskResult run(LanguageModel model, String name, String file) throws IOException {
    return new Evaluation(model, SampleLog.none(), Evaluation.Progress.NONE)
        .run(BuiltInTasks.find(name).orElseThrow(), DATA.resolve(file), Integer.MAX_VALUE);
  }

  private static double value(TaskResult result, Metric metric) {
    return result.metrics().get(metric).value();
  }
}
