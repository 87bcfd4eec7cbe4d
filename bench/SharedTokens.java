import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import dev.mamba4j.evaluate.tasks.BuiltInTasks;
import dev.mamba4j.evaluate.tasks.Request;
import dev.mamba4j.evaluate.tasks.Task;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * How many tokens are read for the questions of a task (JSON lines): each choice alone, what the
 * choices of a question begin with once, and what any choices at all begin with once. No sharing
 * saves more time than tokens.
 *
 * <pre>java -cp 'cli/target/app/*' bench/SharedTokens.java MODEL.gguf TASK FILE [QUESTIONS]</pre>
 */
final class SharedTokens {
  /** Sequences by their first token. */
  private static final class Tree {
    private final Map<Integer, Tree> next = new HashMap<>();

    /** Adds a sequence; how many of its tokens were not there yet. */
    int add(int[] tokens) {
      int added = 0;
      Tree at = this;
      for (int i = 0; i < tokens.length - 1; i++) { // the last is scored and not read
        Tree known = at.next.get(tokens[i]);
        if (known == null) {
          known = new Tree();
          at.next.put(tokens[i], known);
          added++;
        }
        at = known;
      }
      return added;
    }
  }

  public static void main(String[] args) throws IOException {
    int limit = args.length > 3 ? Integer.parseInt(args[3]) : Integer.MAX_VALUE;
    Task task = BuiltInTasks.find(args[1]).orElseThrow();
    long alone = 0;
    long shared = 0;
    long among = 0;
    int questions = 0;
    Tree all = new Tree();
    try (LanguageModel model = LanguageModel.open(Path.of(args[0]), ModelOptions.defaults())) {
      Tokenizer tokenizer = model.tokenizer();
      for (String line : Files.readAllLines(Path.of(args[2])).stream().limit(limit).toList()) {
        Tree question = new Tree();
        for (Request choice :
            task.reader().read(JsonObject.of("a row", Json.parse(line, "a row"))).requests()) {
          int[] tokens = tokenizer.encode(choice.context() + choice.continuation(), true);
          alone += tokens.length - 1;
          shared += question.add(tokens);
          among += all.add(tokens);
        }
        questions++;
      }
    }
    System.out.printf(
        "%d questions: %d tokens alone, %d shared in a question (%.2f), %d among all (%.2f)%n",
        questions, alone, shared, (double) alone / shared, among, (double) alone / among);
  }

  private SharedTokens() {}
}
