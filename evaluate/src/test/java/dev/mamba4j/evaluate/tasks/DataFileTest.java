package dev.mamba4j.evaluate.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which file is taken, and what is said of bad ones. */
class DataFileTest {
  @TempDir private Path folder;

  private static Task task(String name) {
    return BuiltInTasks.find(name).orElseThrow();
  }

  /** The questions of a file. */
  private static List<Item> items(Task task, Path file) throws IOException {
    List<JsonObject> rows = DataFile.read(file);
    Item[] items = new Item[rows.size()];
    for (int i = 0; i < items.length; i++) {
      items[i] = task.item(rows.get(i));
    }
    return List.of(items);
  }

  private void fails(String name, String taskName, String message) {
    Path file = folder.resolve(name);
    assertThatThrownBy(() -> items(task(taskName), file))
        .isInstanceOf(FormatException.class)
        .message()
        .startsWith(file + ": ")
        .contains(message)
        .doesNotContain("\n");
  }

  /** Lines are parted by ¶; the first is right. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "piqa | {`goal`: `a`, `sol1`: `b`, `sol2`: `c`, `label`: 0}¶{`goal`: `a`, `sol2`: `c`,"
            + " `label`: 0} | line 2: field \"sol1\": expected a string, found nothing; a row of"
            + " piqa is like {\"goal\":",
        "piqa | {`goal`: 7} | line 1: field \"goal\": expected a string, found the number 7",
        "piqa | {`goal`: `a`, `sol1`: `b`, `sol2`: `c`, `label`: -1}"
            + " | line 1: field \"label\": expected the number of a choice, 0 to 1, found -1",
        "piqa | {`goal`: `a`, `sol1`: `b`, `sol2`: `c`, `label`: 0}¶¶{`goal`: ¶"
            + " | line 3: not valid JSON at column 10: ",
        "piqa | hello | line 1: not valid JSON at column 1: ",
        "piqa | [1] | line 1: expected an object, found an array; each line holds a row as a JSON"
            + " object",
        "piqa | {} {} | line 1: expected the end after the JSON value at column",
        "hellaswag | {`query`: `a`, `choices`: [1, 2]} | line 1: field \"choices\": expected an"
            + " array of strings",
        "hellaswag | {`query`: `a`, `choices`: [`b`], `gold`: 0} | expected an array of 2 strings"
            + " or more",
        "hellaswag | {`query`: `a`, `choices`: [`b`, `c`], `gold`: 2}"
            + " | field \"gold\": expected the number of a choice, 0 to 1, found 2",
        "hellaswag | {`activity_label`: `a`, `ctx_a`: `b`, `ctx_b`: `c`, `endings`: [`d`, `e`],"
            + " `label`: ``} | field \"label\": expected the number of a choice, 0 to 1, found"
            + " \"\"",
        "winogrande | {`sentence`: `no gap`} | field \"sentence\": expected a gap, written _",
        "winogrande | {`sentence`: `a _ b`, `option1`: `c`, `option2`: `d`, `answer`: `3`}"
            + " | field \"answer\": expected one of 1, 2, found \"3\"",
        "arc_easy | {`question`: `a`, `choices`: []} | field \"choices\": expected an object, found"
            + " an array",
        "arc_easy | {`question`: `a`, `choices`: {`text`: [`b`, `c`], `label`: [`A`, `B`]}}"
            + " | field \"answerKey\": expected one of A, B, found nothing",
        "lambada_openai | {`txt`: `a b`} | line 1: field \"text\": expected a string, found"
            + " nothing; a row of lambada_openai is like {\"text\":",
      })
  void saysWhatIsWrongWithALine(String taskName, String lines, String message) throws IOException {
    Files.writeString(folder.resolve("bad.jsonl"), lines.replace('`', '"').replace('¶', '\n'));
    fails("bad.jsonl", taskName, message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\n\n"})
  void saysThatAFileIsEmpty(String text) throws IOException {
    Files.writeString(folder.resolve("empty.jsonl"), text);
    fails("empty.jsonl", "piqa", "expected rows of questions, found none");
  }

  @Test
  void namesTheLineThatIsNotUtf8() throws IOException {
    byte[] bytes =
        "{\"text\": \"a b\"}\n{\"text\": \"caf\u00e9\"}\n".getBytes(StandardCharsets.ISO_8859_1);
    Files.write(folder.resolve("latin.jsonl"), bytes);
    fails("latin.jsonl", "lambada_openai", "line 2: expected a JSON object in UTF-8");
  }

  @Test
  void takesNoFolderForAFile() throws IOException {
    Files.createDirectory(folder.resolve("piqa.jsonl"));
    fails("piqa.jsonl", "piqa", "expected a file of questions, found a folder");
  }

  /** The part of the data set that lm-eval asks. */
  @ParameterizedTest
  @CsvSource({
    "arc_easy, arc_easy_test.jsonl, arc_easy_validation.jsonl",
    "arc_easy, ARC-Easy-test-00000-of-00001.parquet, ARC-Easy-train-00000-of-00001.parquet",
    "hellaswag, hellaswag_validation.jsonl, hellaswag_test.jsonl",
    "hellaswag, hellaswag_val.jsonl, hellaswag_original_schema_sample.jsonl",
    "lambada_openai, lambada_test_en.jsonl, lambada_development_plain_text.jsonl",
    "piqa, piqa-validation.parquet, piqa-test.parquet",
    "piqa, piqa_valid.jsonl, piqa_interval.jsonl",
    "winogrande, winogrande_xl-dev.jsonl, winogrande_xl-train.jsonl",
    "piqa, piqa_anything.json, hellaswag.jsonl",
    "piqa, piqa.jsonl, piqa_validation.txt",
  })
  void takesTheSplitThatIsAsked(String name, String expected, String other) throws IOException {
    Files.createFile(folder.resolve(other));
    Path file = Files.createFile(folder.resolve(expected));
    assertThat(DataFile.find(folder, task(name))).isEqualTo(file);
  }

  @ParameterizedTest
  @CsvSource({
    "piqa_validation.jsonl, piqa_validation.parquet",
    "piqa_train.jsonl, piqa_test.jsonl",
  })
  void saysThatItIsNotClearWhichFile(String one, String other) throws IOException {
    Files.createFile(folder.resolve(one));
    Files.createFile(folder.resolve(other));
    assertThatThrownBy(() -> DataFile.find(folder, task("piqa")))
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll(
            folder + ": several files for piqa", one, other, "validation", "give piqa=FILE");
  }

  @Test
  void saysThatAFolderHasNoFile() throws IOException {
    Files.createFile(folder.resolve("arc_easy.jsonl"));
    Files.createDirectory(folder.resolve("hellaswag.jsonl"));
    assertThatThrownBy(() -> DataFile.find(folder, task("hellaswag")))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            folder
                + ": no file for hellaswag: expected one named hellaswag*.jsonl|.json|.parquet,"
                + " or give hellaswag=FILE");
  }
}
