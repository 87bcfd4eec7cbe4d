package dev.mamba4j.evaluate.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parquet files that pyarrow made from the JSON lines beside them (make_parquet.py). */
class ParquetRowsTest {
  @TempDir private Path folder;

  private static Path resource(String name) {
    URL url = Objects.requireNonNull(ParquetRowsTest.class.getResource("/tasks/" + name), name);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static List<Map<String, Object>> fields(Path file) throws IOException {
    return DataFile.read(file).stream().map(JsonObject::fields).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"arc_easy", "hellaswag", "lambada", "piqa", "winogrande"})
  void holdsTheRowsOfTheJsonLines(String name) throws IOException {
    Path parquet = resource(name + ".parquet");
    assertThat(fields(parquet)).isEqualTo(fields(resource(name + ".jsonl")));
    assertThat(DataFile.read(parquet).getLast().where())
        .isEqualTo(parquet + ": row " + fields(parquet).size());
  }

  private static void isBroken(Path file, ThrowingCallable reading) {
    assertThatThrownBy(reading)
        .isInstanceOf(FormatException.class)
        .message()
        .startsWith(file + ": row 1: expected Parquet, found a broken file (")
        .endsWith("; download it again")
        .doesNotContain("\n");
  }

  @Test
  void saysThatAFileIsCutShort() throws IOException {
    byte[] whole = Files.readAllBytes(resource("arc_easy.parquet"));
    Path file = folder.resolve("cut.parquet");
    for (int length = 0; length < whole.length; length += 61) {
      Files.write(file, Arrays.copyOf(whole, length));
      isBroken(file, () -> DataFile.read(file));
    }
  }

  @Test
  void saysThatAFileIsSomethingElse() throws IOException {
    Path file = Files.copy(resource("piqa.jsonl"), folder.resolve("lines.parquet"));
    isBroken(file, () -> DataFile.read(file));
    Path missing = folder.resolve("missing.parquet");
    assertThatThrownBy(() -> DataFile.read(missing)).isInstanceOf(NoSuchFileException.class);
  }

  /**
   * A bit is wrong: a page longer than its column; a schema without columns; fewer bytes in a page
   * than its header says (more, and native code would write over the end of its memory).
   */
  @ParameterizedTest
  @CsvSource({
    "507, 1, column choices.text.list.element has a page of",
    "718, 5, 5 columns with values for a schema of 0",
    "106, 0, column question has a page of 110 bytes unpacked",
  })
  void looksAtPagesBeforeTheyAreRead(int at, int bit, String message) throws IOException {
    byte[] bytes = Files.readAllBytes(resource("arc_easy.parquet"));
    bytes[at] ^= (byte) (1 << bit);
    Path file = Files.write(folder.resolve("broken.parquet"), bytes);
    isBroken(file, () -> DataFile.read(file));
    assertThatThrownBy(() -> DataFile.read(file)).hasMessageContaining("(" + message);
  }

  @Test
  void waitsOnlySoLongForTheNextRow() {
    Path file = resource("piqa.parquet");
    isBroken(file, () -> ParquetRows.read(file, Duration.ZERO));
  }

  @Test
  void saysWhichCompressionIsNotRead() {
    Path file = resource("zstd.parquet");
    assertThatThrownBy(() -> DataFile.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            file
                + ": column goal: expected compression SNAPPY, GZIP or none, found ZSTD; write the"
                + " file again with one of these, or as JSON lines");
  }

  @Test
  void namesTheRowThatHasOtherFields() throws IOException {
    Path file = resource("piqa.parquet");
    JsonObject row = DataFile.read(file).getFirst();
    assertThatThrownBy(() -> BuiltInTasks.find("winogrande").orElseThrow().item(row))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(file + ": row 1: field \"sentence\": expected a string");
  }
}
