package dev.mamba4j.evaluate.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scores of the small model against sums over single steps, one request at a time. */
class EvaluationTest {
  private static final Path TINY = Path.of(System.getProperty("mamba4j.root"), "models", "tiny");
  private static final String ROWS =
      """
      {"query": "Once upon a time there was", "choices": ["a king", "a kind girl", "no one", "a king"], "gold": 1}
      {"query": "She said", "choices": ["nothing", "that she would go home"], "gold": 0}
      """;

  @TempDir private static Path folder;
  private static LanguageModel model;
  private static final Task TASK = BuiltInTasks.find("hellaswag").orElseThrow();

  @BeforeAll
  static void open() throws IOException {
    Path file = folder.resolve("tiny.gguf");
    try (ModelSource source = ModelWriter.open(TINY)) {
      ModelWriter.write(
          source, Plan.uniform(source, TensorType.F32), file, ModelWriter.Progress.NONE);
    }
    model = LanguageModel.open(file, ModelOptions.defaults());
  }

  @AfterAll
  static void close() {
    model.close();
  }

  /** By single steps: the tokens of the whole beyond those of the context. */
  private static Response expected(String context, String continuation) throws IOException {
    Tokenizer tokenizer = model.tokenizer();
    int[] before = tokenizer.encode(context, false);
    int[] whole = tokenizer.encode(context + continuation, false);
    float[] logits = new float[model.mamba2().config().vocabulary()];
    double sum = 0;
    boolean greedy = true;
    try (Mamba2State state = model.mamba2().newState()) {
      for (int i = 0; i + 1 < whole.length; i++) {
        model.mamba2().step(state, whole[i], logits);
        if (i + 1 >= before.length) {
          double total = 0;
          for (float logit : logits) {
            total += Math.exp(logit);
            greedy &= logit <= logits[whole[i + 1]];
          }
          sum += logits[whole[i + 1]] - Math.log(total);
        }
      }
    }
    return new Response(sum, greedy);
  }

  private static void check(List<Request> requests) throws IOException {
    List<Response> given = new RequestScorer(model).score(requests);
    for (int i = 0; i < requests.size(); i++) {
      Request request = requests.get(i);
      Response expected = expected(request.context(), request.continuation());
      assertThat(given.get(i).logLikelihood())
          .as(request.toString())
          .isCloseTo(expected.logLikelihood(), within(1e-3));
      assertThat(given.get(i).greedy()).isEqualTo(expected.greedy());
    }
  }

  @Test
  void scoresChoicesThatShareAContext() throws IOException {
    String context = "Once upon a time there was a little girl. ".repeat(8) + "She was";
    check(
        List.of(
            new Request(context, " very happy."),
            new Request(context, " very sad, for she had no one to play with."),
            new Request(context, " very happy"),
            new Request(context, " the"),
            new Request(context, " very happy.")));
  }

  @Test
  void scoresOneContinuationAfterSeveralContexts() throws IOException {
    check(
        List.of(
            new Request("The girl went home, for the girl", " was tired."),
            new Request("The girl went home, for home", " was tired.")));
  }

  @Test
  void movesSpacesAtTheEndOfTheContextToTheContinuation() throws IOException {
    List<Response> given =
        new RequestScorer(model)
            .score(List.of(new Request("She was  ", "happy"), new Request("She was", "  happy")));
    assertThat(given.getFirst()).isEqualTo(given.getLast());
  }

  @Test
  void beginsWithTheFirstTokenWhereThereIsNoContext() throws IOException {
    int begin = model.tokenizer().eos().orElseThrow();
    int[] tokens = model.tokenizer().encode("Once upon", false);
    float[] logits = new float[model.mamba2().config().vocabulary()];
    double sum = 0;
    try (Mamba2State state = model.mamba2().newState()) {
      int last = begin;
      for (int token : tokens) {
        model.mamba2().step(state, last, logits);
        double total = 0;
        for (float logit : logits) {
          total += Math.exp(logit);
        }
        sum += logits[token] - Math.log(total);
        last = token;
      }
    }
    Response given =
        new RequestScorer(model).score(List.of(new Request("", "Once upon"))).getFirst();
    assertThat(given.logLikelihood()).isCloseTo(sum, within(1e-3));
  }

  @Test
  void goesOnWhereAnEarlierRunEnded() throws IOException {
    Path data = Files.writeString(folder.resolve("hellaswag.jsonl"), ROWS);
    Path samples = folder.resolve("samples.jsonl");
    Map<String, Object> about = Map.of("model", "tiny");
    TaskResult first = run(data, samples, about, 1);
    assertThat(first.rows()).isEqualTo(2);
    assertThat(first.items()).isEqualTo(1);
    String torn = Files.readString(samples);
    Files.writeString(samples, torn + "{\"task\":\"hellas");
    TaskResult whole = run(data, samples, about, 9);
    assertThat(whole.items()).isEqualTo(2);
    assertThat(Files.readString(samples)).startsWith(torn);
    assertThat(Files.readAllLines(samples)).hasSize(3);
    // Answers are taken from the file: these make every choice wrong.
    String wrong = Files.readString(samples).replaceAll("\\[\\[[^]]*]", "[[-1e-9,false]");
    Files.writeString(samples, wrong);
    double acc = run(data, samples, about, 9).metrics().get(Metric.ACC).value();
    assertThat(acc).isEqualTo(0.5);
    assertThatThrownBy(() -> run(data, samples, Map.of("model", "other"), 9))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("line 1: expected answers of this model");
  }

  private static TaskResult run(Path data, Path samples, Map<String, Object> about, int limit)
      throws IOException {
    try (SampleLog log = SampleLog.open(samples, about)) {
      return new Evaluation(model, log, Evaluation.Progress.NONE).run(TASK, data, limit);
    }
  }

  @Test
  void tellsProgressAndErrors() throws IOException {
    Path data = Files.writeString(folder.resolve("two.jsonl"), ROWS);
    List<String> reports = new ArrayList<>();
    Evaluation evaluation =
        new Evaluation(
            model,
            SampleLog.none(),
            (task, done, total) -> reports.add(task.name() + done + total));
    TaskResult result = evaluation.run(TASK, data, 9);
    assertThat(reports).containsExactly("hellaswag12", "hellaswag22");
    double acc = result.metrics().get(Metric.ACC).value();
    // Of two answers the sample deviation is |a - b| / sqrt(2), the error that over sqrt(2).
    assertThat(result.metrics().get(Metric.ACC).standardError())
        .isCloseTo(acc == 0.5 ? 0.5 : 0, within(1e-12));
  }
}
